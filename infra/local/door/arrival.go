package door

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"pixeltrack.io/platform/infra/local/identity"
)

// arrival is a connection as it came in.
type arrival struct {
	at   time.Time
	used atomic.Bool
}

type arrivalKey struct{}

// Arrive notes when a connection came in, for a server's ConnContext.
func Arrive(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, arrivalKey{}, &arrival{at: time.Now()})
}

// fromStart says whether a call was sent while its process started. A function may leave the answer of its last call then
// to come while it polls for its first event, and the door may be slower to look at that call than the service to give
// the event: the first call of a connection that came in before is the start's.
func fromStart(ctx context.Context, who identity.Identity) bool {
	a, ok := ctx.Value(arrivalKey{}).(*arrival)
	return ok && !a.used.Swap(true) && a.at.Before(who.Started)
}

// Overtake waits until every connection that was made to a door by now has come in: they come in order, and this is one
// more.
func Overtake(ctx context.Context, url string) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("door: %w", err)
	}
	return res.Body.Close()
}
