/**
 * The environment that a PKCS#11 module sees. Modules are configured by variables, and vendors' code needs no more than
 * its own: the PIN and the other secrets of the service may be in variables too.
 */

/** What programs of every kind need, and the variables of modules whose documentation names them. */
const PASSED =
	/^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH|XDG_(CONFIG_HOME|RUNTIME_DIR)|SOFTHSM2_CONF|KRYOPTIC_CONF|YUBIHSM_PKCS11_(CONF|DBG|DBGFILE)|TPM2_PKCS11_[A-Z_]+|OPENSC_(CONF|DRIVER|DEBUG)|PCSCLITE_[A-Z_]+|P11_KIT_(SERVER_ADDRESS|STRICT|DEBUG)|NFAST_[A-Z_]+|CKNFAST_[A-Z_]+|ChrystokiConfigurationPath|CS_PKCS11_R[23]_CFG|CLOUDHSM_[A-Z_]+|KMS_PKCS11_CONFIG)$/;

/** Names, separated by commas, of further variables that the module of this machine needs. */
const FURTHER = 'CHANCERY_PKCS11_ENV';

/** The part of `env` that a module is given. */
export function moduleEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	const further = new Set((env[FURTHER] ?? '').split(',').map((name) => name.trim()));
	return Object.fromEntries(Object.entries(env).filter(([name]) => PASSED.test(name) || further.has(name)));
}
