package store

import (
	"context"

	"github.com/guregu/dynamo/v2"
)

// Meter adds up what one request costs at the table.
type Meter struct{ spent dynamo.ConsumedCapacity }

// Units are the capacity units the request has used so far, and the calls it made.
func (m *Meter) Units() (read, write float64, calls int) {
	return m.spent.Read, m.spent.Write, m.spent.Requests
}

type meterKey struct{}

// WithMeter gives a context whose table calls are counted. A meter is not for calls that run at the same time: the
// second of two twins carries none.
func WithMeter(ctx context.Context) (context.Context, *Meter) {
	m := new(Meter)
	return context.WithValue(ctx, meterKey{}, m), m
}

func meterOf(ctx context.Context) *dynamo.ConsumedCapacity {
	m, ok := ctx.Value(meterKey{}).(*Meter)
	if !ok {
		return nil
	}
	return &m.spent
}
