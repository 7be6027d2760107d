"""The local backend: the same sweep in a pool of processes on this machine."""
