package client

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// About tells the server's version and what it can do. It is asked once.
func (c *Client) About(ctx context.Context) (protocol.About, error) {
	c.mu.Lock()
	known := c.about
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var a protocol.About
	body, err := c.act(ctx, "about", struct{}{})
	if errors.Is(err, fault.Unsupported) { // a server older than the action
		a.Server, err = "before "+protocol.Release, nil
	} else if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err != nil {
		return a, fault.New(fault.DataLoss, "client: about: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about = &a
	return a, nil
}

var unknownMember = regexp.MustCompile(`unknown member "([^"]+)"`)

// refused says of a member or an action that this client knows and the server does not which server has it.
func (c *Client) refused(ctx context.Context, err error) error {
	if !errors.Is(err, fault.Invalid) {
		return err
	}
	found := unknownMember.FindStringSubmatch(err.Error())
	if found == nil || !slices.Contains(protocol.Members(), found[1]) {
		return err
	}
	a, failed := c.About(ctx)
	if failed != nil || slices.Contains(a.Features, found[1]) {
		return err
	}
	return fault.New(fault.Invalid, "%s is not known to this server of version %s: it needs server %s or later: %w", found[1], a.Server, protocol.Release, err)
}
