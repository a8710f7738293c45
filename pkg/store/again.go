package store

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"time"
)

// The pauses between the meetings of Again.
const (
	firstMeeting = 4 * time.Millisecond
	lastMeeting  = 250 * time.Millisecond
)

// Again runs what read before it wrote, once more whenever it met another writer, which met says: with longer and longer
// pauses, until the context ends. Then it is ErrConflict.
func Again(ctx context.Context, met error, run func() error) error {
	for pause := firstMeeting; ; pause = min(2*pause, lastMeeting) {
		err := run()
		switch {
		case err != nil && ctx.Err() != nil:
			return ErrConflict
		case !errors.Is(err, met):
			return err
		}
		select {
		case <-ctx.Done():
			return ErrConflict
		case <-time.After(pause/2 + mathrand.N(pause)):
		}
	}
}
