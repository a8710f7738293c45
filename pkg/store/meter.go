package store

import (
	"context"
	"sync"

	"github.com/guregu/dynamo/v2"
)

// Meter adds up what one request costs at the table. Calls that are made at the same time may share it.
type Meter struct {
	mu          sync.Mutex
	read, write float64
	calls       int
}

// Units are the capacity units the request has used so far, and the calls it made.
func (m *Meter) Units() (read, write float64, calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read, m.write, m.calls
}

type meterKey struct{}

// WithMeter gives a context whose table calls are counted.
func WithMeter(ctx context.Context) (context.Context, *Meter) {
	m := new(Meter)
	return context.WithValue(ctx, meterKey{}, m), m
}

// metered gives what one call after the other may write its units into, and adds them to the meter of the context when they
// are done. The library writes without a lock, into maps of indexes: calls beside each other each take their own.
func metered(ctx context.Context) (spent *dynamo.ConsumedCapacity, done func()) {
	m, ok := ctx.Value(meterKey{}).(*Meter)
	if !ok {
		return nil, func() {}
	}
	spent = new(dynamo.ConsumedCapacity)
	return spent, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.read, m.write, m.calls = m.read+spent.Read, m.write+spent.Write, m.calls+spent.Requests
	}
}
