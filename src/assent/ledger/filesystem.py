"""Telling a network file system from a local one before a ledger is put on it."""

from __future__ import annotations

from pathlib import Path

from assent.ledger.errors import LedgerRemote

_REMOTE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "ocfs2"),
        *("glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.rclone"),
    )
)


def refuse_network(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Raises LedgerRemote if the path lies on a network file system.

    Write-ahead logging shares memory between the processes of one host; on a network file system two hosts would
    each believe they are alone and damage the file. Where the mounts cannot be read (not Linux) nothing is refused.
    """
    kind = _kind(path.absolute(), mounts)
    if kind in _REMOTE:
        raise LedgerRemote(
            f"{path} lies on a network file system ({kind}), where SQLite's write-ahead log can be damaged. "
            "Put the ledger on a local disk and copy its backups over the network."
        )


def _kind(path: Path, mounts: Path) -> str | None:
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
        real = path.resolve()
    except OSError:
        return None
    best, kind = -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) < 5 or not rest:
            continue
        point = Path(fields[4].replace("\\040", " "))
        # The last of equally deep mounts lies on top of the others.
        if len(point.parts) >= best and real.is_relative_to(point):
            best, kind = len(point.parts), rest[0]
    return kind
