package store

import "errors"

// What a read or a write may be refused for. Areas turn these into problems of their own nouns.
var (
	ErrMissing    = errors.New("store: no such row")
	ErrExists     = errors.New("store: the row exists")
	ErrStale      = errors.New("store: the row has changed or gone")
	ErrCondition  = errors.New("store: a condition does not hold")
	ErrRestricted = errors.New("store: the row is restricted")
	ErrConflict   = errors.New("store: too many writers at once")
	ErrBound      = errors.New("store: a key outside the handle's scope")
	ErrCursor     = errors.New("store: not a cursor of this list")
	ErrRestored   = errors.New("store: the table was restored, and is not to be served yet")
)
