package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyTotals holds what is left of days: totals that lead to nobody.
const FamilyTotals store.Family = "USAGETOTAL"

const (
	// LeastGroup is how many people a number must be of; numbers of fewer are not kept.
	LeastGroup = 10
	// mostOfOne is how many events of one cell one person counts with, so that no total tells of one busy person.
	mostOfOne = 100
)

// Totals is what is left of a day. It holds the cells alone, and no sum over them, from which a cell that is not kept could be found.
type Totals struct {
	store.Meta
	Day   string  `dynamo:"day"`
	Cells []Total `dynamo:"cells"`
}

// Total is how many people did something on a day, and how often.
type Total struct {
	Cell   Cell `dynamo:"cell"`
	People int  `dynamo:"people"` // ten or more
	Events int  `dynamo:"events"`
}

// Type is the row's type.
func (t *Totals) Type() string { return "USAGE_TOTALS" }

// Keys puts totals in order of days.
func (t *Totals) Keys() store.Keys { return store.Keys{Primary: totalsKey(t.Day)} }

func totalsKey(day string) store.Key { return store.PlatformScope().Key(FamilyTotals, day) }

// AggregateEvents ends days that are over: it destroys the salt, after which no event leads to a person, and keeps totals
// over ten people or more. Whatever is counted does not change any more, so that a day counted twice, at once, late or
// after a run that was killed has the same totals.
func AggregateEvents(vault Vault) job.Job {
	return job.Job{
		ID: "aggregate-events", Area: "privacy", Summary: "Destroy the salts of days that are over, and keep totals over ten people or more",
		Purpose: purpose.Analytics, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			err := r.EachDue(ctx, DayDue, r.Settled(), func(ctx context.Context, d *store.Due) error { return end(ctx, r, vault, d) })
			if err != nil {
				return err
			}
			return heartbeat.Beat(ctx, r, "aggregate-events")
		},
	}
}

// end ends the day of a clock.
func end(ctx context.Context, r *job.Run, vault Vault, d *store.Due) error {
	day := d.Target.SK
	if _, err := vault.Remove(ctx, saltKey(day)); err != nil {
		return fmt.Errorf("aggregate events: %w", err)
	}
	p := r.Platform()
	count := newCount()
	if err := people(ctx, p, day, count.add); err != nil {
		return fmt.Errorf("aggregate events: %w", err)
	}
	tx := r.Store.Begin()
	tx.Create(p, &Totals{Day: day, Cells: count.totals()})
	tx.Disarm(p, d, false)
	err := tx.Commit(ctx)
	if errors.Is(err, store.ErrExists) {
		return store.Forget(ctx, p, d) // counted before
	}
	return err
}

// count counts the events of a day, which come person by person.
type count struct {
	sums   map[Cell]*Total
	person string
	mine   map[Cell]int // of this person
}

func newCount() *count { return &count{sums: map[Cell]*Total{}, mine: map[Cell]int{}} }

// add counts a batch in.
func (c *count) add(b *Batch) {
	if b.Person != c.person {
		c.flush()
		c.person = b.Person
	}
	for cell, n := range b.Cells {
		c.mine[cell] += n
	}
}

// flush counts a person in of whom everything is there.
func (c *count) flush() {
	for cell, n := range c.mine {
		t := c.sums[cell]
		if t == nil {
			t = &Total{Cell: cell}
			c.sums[cell] = t
		}
		t.People++
		t.Events += min(n, mostOfOne)
	}
	clear(c.mine)
}

// totals are the cells of enough people, in order.
func (c *count) totals() []Total {
	c.flush()
	all := []Total{}
	for _, cell := range slices.Sorted(maps.Keys(c.sums)) {
		if t := c.sums[cell]; t.People >= LeastGroup {
			all = append(all, *t)
		}
	}
	return all
}
