//! Keeps PostgreSQL's messages short: the driver would allocate as much as a header announces, and a server that is not
//! a PostgreSQL at all announces a lot.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::check::net::dial::Wire;

/// The longest message that is let through, in bytes.
const LONGEST: u32 = 1 << 20;

/// A kind and a length, which counts itself.
const HEAD: usize = 5;

/// A connection on which every message that comes in is short.
pub(super) struct Frames {
    wire: Wire,
    /// What of the present head has come.
    head: [u8; HEAD],
    known: usize,
    /// What of the present message is still to come after its head, in bytes.
    rest: usize,
}

impl Frames {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, head: [0; HEAD], known: 0, rest: 0 }
    }

    /// Follows what has come in.
    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(&first) = bytes.first() {
            if self.rest > 0 {
                let part = self.rest.min(bytes.len());
                self.rest -= part;
                bytes = &bytes[part..];
                continue;
            }
            self.head[self.known] = first;
            self.known += 1;
            bytes = &bytes[1..];
            if self.known == HEAD {
                self.known = 0;
                let [_, length @ ..] = self.head;
                let length = u32::from_be_bytes(length);
                if !(4..=LONGEST).contains(&length) {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "its answer is not a message of PostgreSQL's",
                    ));
                }
                self.rest = usize::try_from(length - 4).unwrap_or_default();
            }
        }
        Ok(())
    }
}

impl AsyncRead for Frames {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.wire).poll_read(context, buffer))?;
        let followed = self.follow(&buffer.filled()[before..]);
        if followed.is_err() {
            buffer.set_filled(before);
        }
        Poll::Ready(followed)
    }
}

impl AsyncWrite for Frames {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::io::{AsyncRead, AsyncReadExt};

    use super::Frames;

    /// What comes through of these pieces.
    async fn through(pieces: &[&[u8]]) -> std::io::Result<usize> {
        let mut wire = frames(pieces);
        let mut read = Vec::new();
        wire.read_to_end(&mut read).await
    }

    fn frames(pieces: &[&[u8]]) -> Frames {
        type Reader = Box<dyn AsyncRead + Send + Unpin>;
        let chain = |before: Reader, piece: &&[u8]| Box::new(before.chain(Cursor::new(piece.to_vec()))) as Reader;
        let reader = pieces.iter().fold(Box::new(tokio::io::empty()) as Reader, chain);
        Frames::new(Box::new(tokio::io::join(reader, tokio::io::sink())))
    }

    #[tokio::test]
    async fn short_messages_come_through_however_they_are_cut() {
        let ready = b"Z\0\0\0\x05I";
        assert_eq!(through(&[ready, b"S\0\0", b"\0\x08ab", b"cd1\0\0\0\x04", ready]).await.unwrap(), 26);
        let longest = [b"D\0\x10\0\0".as_slice(), &vec![0; (1 << 20) - 4]].concat();
        assert_eq!(through(&[&longest]).await.unwrap(), longest.len());
    }

    #[tokio::test]
    async fn what_announces_more_is_no_postgresql() {
        for bytes in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"D\xff\xff\xff\xff", b"D\0\0\0\x03", b"D\0\x10\0\x01"] {
            assert!(through(&[bytes]).await.is_err());
        }
    }
}
