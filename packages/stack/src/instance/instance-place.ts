/** Where an instance is that a command is about: the data folder of `up`, or the configuration file of its services. */
export type InstancePlace = { readonly data: string } | { readonly config: string };
