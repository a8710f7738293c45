package auth

import (
	"context"
	"net/netip"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// Challenge is a test that machines fail, of a provider that a deployment may choose.
type Challenge interface {
	// Passed refuses a response that is not one of somebody at an address who has passed. Its errors are the caller's.
	Passed(ctx context.Context, response, source string) error
}

// signUps is how many sign-ups an hour are taken from one place, behind which a whole company or school may be.
const signUps = 500

// fewSignUps counts a sign-up from a place and refuses one too many. It takes no difference between addresses.
func fewSignUps(ctx context.Context, st *store.Store, pseudonyms keys.Pseudonyms, c *api.Caller) error {
	return guard.New(st, pseudonyms, store.Actor{Who: "sign-up", Request: c.Request}, "sign-up", "", place(c.Source)).Within(signUps, time.Hour).Attempt(ctx)
}

// place is what one subscriber has: an IPv4 address, or the 64 bits of an IPv6 network.
func place(source string) string {
	a, err := netip.ParseAddr(source)
	if err != nil || a.Unmap().Is4() {
		return source
	}
	network, err := a.WithZone("").Prefix(64)
	if err != nil {
		return source
	}
	return network.String()
}
