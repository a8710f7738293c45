// Package publishing puts the product's events on the EventBridge bus. It stands apart from the events, so that who only
// names them does not carry the service's client.
package publishing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/job"
)

const (
	perCall    = 10 // entries of one PutEvents
	maxTries   = 4
	firstPause = 50 * time.Millisecond
)

// Publisher puts events on one bus.
type Publisher struct {
	client *eventbridge.Client
	bus    string
}

// New opens a bus.
func New(cfg aws.Config, name string) *Publisher {
	return &Publisher{client: eventbridge.NewFromConfig(cfg), bus: name}
}

// Publish puts events on the bus, ten to a call. What the bus refuses is tried again a few times; what it still refuses
// is named by an *bus.Unpublished, and everything else has been taken.
func (p *Publisher) Publish(ctx context.Context, events []bus.Event) error {
	entries := make([]types.PutEventsRequestEntry, len(events))
	for i, e := range events {
		detail, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("publishing: %s: %w", e.Type(), err)
		}
		entries[i] = types.PutEventsRequestEntry{EventBusName: &p.bus, Source: aws.String(job.Source),
			DetailType: aws.String(e.Type()), Detail: aws.String(string(detail))}
	}
	left := make([]int, len(entries))
	for i := range left {
		left[i] = i
	}
	pause := firstPause
	for try := 1; ; try++ {
		var cause error
		if left, cause = p.put(ctx, entries, left); len(left) == 0 {
			return nil
		}
		if try == maxTries || ctx.Err() != nil {
			return &bus.Unpublished{Places: left, Cause: cause}
		}
		select {
		case <-ctx.Done():
			return &bus.Unpublished{Places: left, Cause: ctx.Err()}
		case <-time.After(pause/2 + mathrand.N(pause)):
		}
		pause *= 2
	}
}

// put tries the entries of the places given, and tells which of them are left.
func (p *Publisher) put(ctx context.Context, entries []types.PutEventsRequestEntry, places []int) (left []int, cause error) {
	for part := range slices.Chunk(places, perCall) {
		batch := make([]types.PutEventsRequestEntry, len(part))
		for i, place := range part {
			batch[i] = entries[place]
		}
		out, err := p.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: batch})
		if err != nil {
			left, cause = append(left, part...), err
			continue
		}
		for i, place := range part {
			switch {
			case i >= len(out.Entries):
				left, cause = append(left, place), errors.New("publishing: no result")
			case out.Entries[i].EventId == nil:
				left, cause = append(left, place), errors.New("publishing: "+aws.ToString(out.Entries[i].ErrorCode))
			}
		}
	}
	return left, cause
}
