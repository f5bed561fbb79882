// Package wire sends Arrow buffers to clients without copies: messages whose bodies are referred to, connections that gather what
// waits into one system call, and leases that keep records until their last byte was written. It reads, too, the few Arrow
// messages that clients send.
//
// A Message is FlightData that is encoded already; NewCodec gives it to gRPC as it is. A Body takes an ipc.Payload apart into
// slices of its record; the Ledger of a connection has their leases, which end when both gRPC and the connection are done with the
// bytes, or when the connection ends. A Listener gives such connections, plain or of TLS, and a Handshaker begins them.
// A Packer compresses batches where a client asks for that.
package wire
