"""Compressed pixels, decoded in a process of their own: damage can crash the decoders' libraries.

Run as a module it is that process: DICOM files come in on standard input, frames go out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from ischio.io.dicom.heads import damage, quiet

# Decoders by transfer syntax, in order. Those under the GPL (pylibjpeg-libjpeg) are not among them.
DECODERS: dict[str, tuple[str, ...]] = {
    "1.2.840.10008.1.2.5": ("pydicom",),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{end}" for end in (50, 51)), ("gdcm", "pillow")),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{end}" for end in (57, 70)), ("gdcm",)),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{end}" for end in (80, 81)), ("gdcm", "pyjpegls")),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{end}" for end in (90, 91)), ("pylibjpeg", "gdcm", "pillow")),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{end}" for end in (201, 202, 203)), ("pylibjpeg",)),
}
_PATIENCE_S, _PATIENCE_S_A_MB = 4.0, 0.5  # of decoded pixels; JPEG 2000 takes 0.05
_MEMORY = 1_500_000_000  # bytes for the libraries, and so many times the pixels:
_COPIES = 6


class CannotDecode(Exception):
    """Pixels that no installed decoder makes sense of; the message says why."""


class Decoder:
    """The other process, for as long as a series is read."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()

    def frames(self, data: bytes, n_bytes: int) -> NDArray[Any]:
        """Decode a DICOM file.

        Parameters
        ----------
        data : bytes
            The whole file.
        n_bytes : int
            Of its pixels, decoded.

        Returns
        -------
        array of shape (frames, rows, columns)

        Raises
        ------
        CannotDecode
            If there is no decoder, or it fails, crashes, or takes too long.
        """
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "ischio.io.dicom.decode", str(_MEMORY + _COPIES * n_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        child = self._child
        watch = threading.Timer(_PATIENCE_S + _PATIENCE_S_A_MB * n_bytes / 1e6, child.kill)
        watch.start()
        try:
            _send(cast("IO[bytes]", child.stdin), data)
            reply = json.loads(_receive(cast("IO[bytes]", child.stdout)))
            pixels = _receive(cast("IO[bytes]", child.stdout))
        except (OSError, EOFError) as error:
            raise CannotDecode("the decoder crashed or took too long") from error
        finally:
            watch.cancel()
        if "error" in reply:
            raise CannotDecode(reply["error"])
        return np.frombuffer(pixels, reply["dtype"]).reshape(reply["shape"])


def decode(data: bytes) -> NDArray[Any]:
    """Decode a compressed DICOM file in this process.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    array of shape (frames, rows, columns)

    Raises
    ------
    CannotDecode
    """
    import io

    import pydicom
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.utils import pixel_array

    with quiet():
        try:
            dataset: Any = pydicom.dcmread(io.BytesIO(data), force=True)
            syntax = dataset.file_meta.TransferSyntaxUID
            known = DECODERS.get(str(syntax), ())
            there = [one for one in known if one in get_decoder(str(syntax)).available_plugins]
            if not there:
                raise CannotDecode(
                    f"compressed images ({syntax.name}) without a decoder; pip install 'ischio[dicom]' has it"
                )
            frames = pixel_array(dataset, raw=True, decoding_plugin=there[0])
            return frames.reshape(-1, int(dataset.Rows), int(dataset.Columns))
        except damage() as error:
            raise CannotDecode(f"{type(error).__name__}: {str(error)[:200]}") from error


def _send(pipe: IO[bytes], data: bytes) -> None:
    """Length, then bytes."""
    pipe.write(len(data).to_bytes(8, "little"))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes] | BinaryIO) -> bytes:
    """What ``_send`` sent."""
    head = pipe.read(8)
    data = pipe.read(int.from_bytes(head, "little")) if len(head) == 8 else b""
    if len(head) < 8 or len(data) < int.from_bytes(head, "little"):
        raise EOFError("the pipe is closed")
    return data


def _serve() -> None:
    """Decode what comes in until the pipe is closed."""
    with suppress(ImportError, ValueError, OSError):  # there are no such limits on every system
        import resource

        limit = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(EOFError):
        while True:
            data, pixels, reply = _receive(sys.stdin.buffer), b"", {}
            try:
                frames = decode(data)
                pixels = frames.tobytes()
                reply = {"dtype": frames.dtype.str, "shape": frames.shape}
            except CannotDecode as error:
                reply = {"error": str(error)}
            _send(sys.stdout.buffer, json.dumps(reply).encode())
            _send(sys.stdout.buffer, pixels)


if __name__ == "__main__":
    _serve()
