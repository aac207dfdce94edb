"""Tries, as the agent's user, every way into another process; prints one line of JSON: what was tried, and `refused` or what came of it."""
import ctypes, json, os, sys

pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)


def tried(action):
    try:
        return str(action())[:80]
    except OSError as error:
        return "refused" if error.errno in (1, 13) else f"errno {error.errno}"


def call(*arguments):
    result = libc.syscall(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def read(name):
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
        return file.read(10)


def first_mapping():
    with open(f"/proc/{pid}/maps") as maps:
        start = int(maps.readline().split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(start)
        return memory.read(4)


def write_descriptor():
    descriptor = os.open(f"/proc/{pid}/fd/0", os.O_WRONLY | os.O_NONBLOCK)
    os.close(descriptor)
    return "opened"


PIDFD_OPEN, PIDFD_GETFD = 434, 438
PROCESS_VM_READV = 310 if os.uname().machine == "x86_64" else 270


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def vm_read():
    here = ctypes.create_string_buffer(8)
    local, remote = Piece(ctypes.addressof(here), 8), Piece(0x400000, 8)
    return call(PROCESS_VM_READV, pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)


print(json.dumps({
    "environ": tried(lambda: read("environ")),
    "fd": tried(lambda: os.listdir(f"/proc/{pid}/fd")),
    "fd/0": tried(write_descriptor),
    "maps": tried(lambda: read("maps")),
    "mem": tried(first_mapping),
    "open mem": tried(lambda: os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR)) or "opened"),
    "exe": tried(lambda: os.readlink(f"/proc/{pid}/exe")),
    "cwd": tried(lambda: os.readlink(f"/proc/{pid}/cwd")),
    "root": tried(lambda: os.readlink(f"/proc/{pid}/root")),
    "pidfd_getfd": tried(lambda: call(PIDFD_GETFD, call(PIDFD_OPEN, pid, 0), 0, 0)),
    "process_vm_readv": tried(vm_read),
    "ptrace attach": tried(lambda: libc.ptrace(16, pid, 0, 0) and (_ for _ in ()).throw(OSError(ctypes.get_errno(), ""))),
}))
