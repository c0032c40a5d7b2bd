/** The logs of an instance, as `--log` names them. The stack has the list; the command knows it without loading the stack. */
export const LOG_NAMES = ['v1', 'v2', 'ctlog'] as const;

export type LogName = (typeof LOG_NAMES)[number];
