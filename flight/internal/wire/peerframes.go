package wire

import (
	"encoding/binary"
	"sync/atomic"

	"golang.org/x/net/http2"
)

// leastMaxFrame is what every peer takes: RFC 9113, section 6.5.2.
const leastMaxFrame = 16 << 10

// peerFrames follows what a client sends, to learn how long a frame it takes. follow is for one goroutine.
type peerFrames struct {
	skip int    // bytes until the next frame
	head []byte // of the frame being read, and the payload of one with settings
	max  atomic.Uint32
}

func newPeerFrames() *peerFrames {
	p := &peerFrames{skip: len(http2.ClientPreface)}
	p.max.Store(leastMaxFrame)
	return p
}

// between tells whether what was looked at ends with a frame.
func (p *peerFrames) between() bool { return p.skip == 0 && len(p.head) == 0 }

// follow looks at the next bytes of the connection.
func (p *peerFrames) follow(b []byte) {
	const most = 100 * 6 // bytes of settings that are looked at
	for len(b) > 0 {
		if p.skip > 0 {
			n := min(p.skip, len(b))
			p.skip -= n
			b = b[n:]
			continue
		}
		want := frameHead
		if len(p.head) >= frameHead {
			want += frameLength(p.head)
		}
		n := min(want-len(p.head), len(b))
		p.head = append(p.head, b[:n]...)
		b = b[n:]
		if len(p.head) < frameHead {
			return
		}
		length := frameLength(p.head)
		switch settings := http2.FrameType(p.head[3]) == http2.FrameSettings; {
		case !settings || length > most:
			p.skip, p.head = length, p.head[:0]
		case len(p.head) == frameHead+length:
			p.learn(p.head[frameHead:])
			p.head = p.head[:0]
		}
	}
}

// learn takes settings: 16 bits of name and 32 of value each.
func (p *peerFrames) learn(settings []byte) {
	for ; len(settings) >= 6; settings = settings[6:] {
		name, v := http2.SettingID(binary.BigEndian.Uint16(settings)), binary.BigEndian.Uint32(settings[2:])
		if name == http2.SettingMaxFrameSize && v >= leastMaxFrame && v < 1<<24 {
			p.max.Store(v)
		}
	}
}

// frameLength is the payload's, from a frame's header.
func frameLength(head []byte) int { return int(head[0])<<16 | int(head[1])<<8 | int(head[2]) }
