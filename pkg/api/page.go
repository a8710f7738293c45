package api

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Page is embedded in the input of a list.
type Page struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many to answer at most."`
	Cursor string `query:"cursor" maxLength:"1024" doc:"What next_cursor of the page before said."`
}

// List is the body of a list's answer.
type List[T any] struct {
	Data       []T    `json:"data" doc:"The page, in the order of the list."`
	NextCursor string `json:"next_cursor,omitempty" doc:"Where the next page begins; absent at the end."`
}

// Changes is the body of a list that can also tell what was deleted.
type Changes[T any] struct {
	Data       []T       `json:"data" doc:"The page, in the order of the list."`
	Deleted    []Deleted `json:"deleted,omitempty" nullable:"false" doc:"What was deleted since; only with updated_since."`
	NextCursor string    `json:"next_cursor,omitempty" doc:"Where the next page begins; absent at the end."`
}

// ListRows reads a page of rows as the answer of a list.
func ListRows[R, T any, P interface {
	*R
	store.Row
}](ctx context.Context, h store.Bound, q store.Query, show func(P) T) (List[T], error) {
	rows, cursor, err := store.List[R, P](ctx, h, q)
	if err != nil {
		return List[T]{}, ListError(err)
	}
	return Shown(rows, cursor, show), nil
}

// Shown is the answer of a list with rows that were read.
func Shown[R, T any](rows []R, cursor string, show func(R) T) List[T] {
	page := List[T]{Data: make([]T, len(rows)), NextCursor: cursor}
	for n, row := range rows {
		page.Data[n] = show(row)
	}
	return page
}

// ListChanges reads a page of rows as the answer of a list, with what was deleted among them.
func ListChanges[R, T any, P interface {
	*R
	store.Row
}](ctx context.Context, h store.Bound, q store.Query, show func(P) T) (Changes[T], error) {
	rows, gone, cursor, err := store.ListChanges[R, P](ctx, h, q)
	return changes(rows, gone, cursor, err, show)
}

// MergeChanges is ListChanges of several partitions of one index as if they were one list.
func MergeChanges[R, T any, P interface {
	*R
	store.Row
}](ctx context.Context, h store.Bound, q store.Query, show func(P) T, partitions ...string) (Changes[T], error) {
	rows, gone, cursor, err := store.MergeChanges[R, P](ctx, h, q, partitions...)
	return changes(rows, gone, cursor, err, show)
}

func changes[P store.Row, T any](rows []P, gone []*store.Tombstone, cursor string, err error, show func(P) T) (Changes[T], error) {
	if err != nil {
		return Changes[T]{}, ListError(err)
	}
	page := Changes[T]{Data: make([]T, len(rows)), NextCursor: cursor}
	for n, row := range rows {
		page.Data[n] = show(row)
	}
	for _, t := range gone {
		page.Deleted = append(page.Deleted, Deleted{ID: t.ID, At: time.Unix(t.Deleted, 0).UTC()})
	}
	return page, nil
}

// Deleted is a thing that was deleted: which and when, and nothing of it.
type Deleted struct {
	ID string    `json:"id" doc:"The id it had."`
	At time.Time `json:"deleted_at" doc:"When it was deleted."`
}

// Since is embedded in the input of a list that can tell what has changed.
type Since struct {
	UpdatedSince time.Time `query:"updated_since" doc:"Only what was changed or deleted at this time or later, oldest change first; at most 30 days ago. Read again from a few seconds before your last call: changes appear here with a short delay." example:"2026-03-01T08:00:00Z"`
}

// ChangedSince refuses an updated_since that no longer tells everything: older than the life of a tombstone, or than
// the last purge of the organisation's data. On a pure read the second is judged when the gate is known.
func (c *Caller) ChangedSince(since time.Time) error {
	c.since = since
	if since.Before(c.Now.Add(-store.TombstoneLife)) {
		return resync()
	}
	return c.notPurgedSince(since)
}

func (c *Caller) notPurgedSince(since time.Time) error {
	if !since.IsZero() && c.Gate != nil && c.Gate.PurgedAt != 0 && since.Unix() <= c.Gate.PurgedAt {
		return resync()
	}
	return nil
}

func resync() error {
	return problem.Of(problem.Gone, "resync_required", "Changes since then are no longer all known; list everything again.")
}

// ListError turns what a list of the store was refused for into a problem.
func ListError(err error) error {
	if errors.Is(err, store.ErrCursor) {
		return problem.InvalidField("query.cursor", "not a cursor of this list")
	}
	return err
}
