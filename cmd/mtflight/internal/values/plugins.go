package values

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/mtflight/mtflight/reader"
)

// Plugins is which plug-ins may be loaded, as a flag: all, none, or those of some contents.
type Plugins struct{ *reader.Config }

var sha256Text = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Set parses a flag's value.
func (p Plugins) Set(text string) error {
	if text == "on" || text == "off" {
		p.NoPlugins, p.Plugins = text == "off", nil
		return nil
	}
	hashes := strings.Split(strings.ToLower(text), ",")
	for _, hash := range hashes {
		if !sha256Text.MatchString(hash) {
			return fmt.Errorf("%q is neither on, off nor a SHA-256 in 64 hexadecimal digits (sha256sum FILE)", hash)
		}
	}
	p.NoPlugins, p.Plugins = false, hashes
	return nil
}

func (p Plugins) String() string {
	switch {
	case p.Config == nil: // pflag makes one to know what the default is
		return ""
	case p.NoPlugins:
		return "off"
	case len(p.Plugins) > 0:
		return strings.Join(p.Plugins, ",")
	}
	return "on"
}

// Type is what help calls the value.
func (p Plugins) Type() string { return "on|off|SHA256,.." }
