//! One client's connection: frames in, frames out, one request after the other, as the protocol wants it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::broker::Broker;
use crate::dispatch::{RequestError, answer};

/// Room made for a frame before its bytes are there; a larger frame gets more as it comes.
const ROOM_IN_ADVANCE: usize = 4 << 20;
/// No request is shorter: API, version and correlation id.
const SHORTEST_FRAME: usize = 8;

/// Why a connection was closed by the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The network failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A frame of a size that no request has.
    #[error("a frame of {0} bytes")]
    FrameSize(i32),
    /// A request that cannot be answered.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Serves a client until it goes, or sends what cannot be answered.
pub(crate) async fn serve(
    broker: Arc<Broker>,
    mut stream: TcpStream,
    peer: SocketAddr,
) -> Result<(), ConnectionError> {
    stream.set_nodelay(true)?;
    while let Some(frame) = read_frame(&mut stream, broker.max_request_bytes).await? {
        let mut out = broker.buffers.take();
        out.extend_from_slice(&[0; 4]);
        let answered = tokio::select! {
            biased;
            answered = answer(&broker, peer, frame, &mut out) => answered?,
            () = gone(&stream) => return Ok(()),
        };
        if answered {
            let length = i32::try_from(out.len() - 4).map_err(|_| ConnectionError::FrameSize(i32::MAX))?;
            if let Some(prefix) = out.first_chunk_mut() {
                *prefix = length.to_be_bytes();
            }
            stream.write_all(&out).await?;
        }
        broker.buffers.give(out);
    }
    Ok(())
}

/// Reads a frame; `None` if the client has gone.
async fn read_frame(stream: &mut TcpStream, max_bytes: usize) -> Result<Option<Bytes>, ConnectionError> {
    let length = match stream.read_i32().await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        length => length?,
    };
    let bytes = usize::try_from(length).map_err(|_| ConnectionError::FrameSize(length))?;
    if !(SHORTEST_FRAME..=max_bytes).contains(&bytes) {
        return Err(ConnectionError::FrameSize(length));
    }
    let mut frame = BytesMut::with_capacity(bytes.min(ROOM_IN_ADVANCE));
    let mut rest = stream.take(length.unsigned_abs().into());
    while frame.len() < bytes {
        if frame.len() == frame.capacity() {
            frame.reserve((bytes - frame.len()).min(frame.len()));
        }
        if rest.read_buf(&mut frame).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(frame.freeze()))
}

/// Comes to an end when the client has gone; never, if it sent something more.
async fn gone(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        std::future::pending::<()>().await;
    }
}
