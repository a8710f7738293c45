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

// Except is an error, unless it is one of those that a caller takes for none: a row that has gone by itself, another writer
// who was first.
func Except(err error, none ...error) error {
	for _, n := range none {
		if errors.Is(err, n) {
			return nil
		}
	}
	return err
}
