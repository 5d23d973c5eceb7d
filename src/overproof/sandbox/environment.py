"""The whole environment of the sandbox's processes: nothing of the caller's is inherited.

>>> "PATH" in ENVIRONMENT
True
"""

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # or each thread reserves 64 MiB of address space
    "PYTHONHASHSEED": "0",
    "OPENSSL_CONF": "/dev/null",  # node does not start where its own place may not be looked at
}
