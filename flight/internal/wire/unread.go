package wire

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Unread is a message that came and is decoded when there is memory for it: until then its bytes are gRPC's, and counted there.
type Unread struct {
	Into any                   // of protobuf
	Room func(bytes int) error // reserves memory to decode so many bytes, before that is done
	data mem.BufferSlice
}

// Unmarshal keeps the bytes of an Unread, and leaves everything else to protobuf.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if u, ok := v.(*Unread); ok {
		data.Ref()
		u.data = data
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// Take decodes what has come, and gives gRPC its bytes back, in any case.
func (u *Unread) Take() error {
	defer u.data.Free()
	if err := u.Room(u.data.Len()); err != nil {
		return err
	}
	return encoding.GetCodecV2(proto.Name).Unmarshal(u.data, u.Into)
}
