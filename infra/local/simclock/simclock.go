// Package simclock is the clock of the local stack: real time plus an offset that a caller may set.
package simclock

import (
	"sync"
	"time"
)

// Clock tells the stack's time. The zero value is real time and is ready to use; it is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
}

// Now is real time plus the offset, in UTC.
func (c *Clock) Now() time.Time {
	return time.Now().UTC().Add(c.Offset())
}

// Offset is how far the stack's time is from real time.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Set moves the clock so that Now is t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Until(t)
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}
