/** A thread for signature checks that ends before it is ready. */
throw new Error('cannot start here');
