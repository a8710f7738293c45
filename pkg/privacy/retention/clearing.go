package retention

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/store"
)

// ErrHeld says that a hold or a restriction keeps what is due. Who is told so puts it off by PutOff.
var ErrHeld = errors.New("retention: a hold or a restriction keeps it")

// ErrLater says that what is due is not to be removed now, and that its clock has been moved where it had to be.
var ErrLater = errors.New("retention: it is not to go yet")

// PutOff is how long what a hold or a restriction keeps is put off before it is looked at again.
const PutOff = 24 * time.Hour

// Clearer removes what a due row leads to. It may be interrupted and repeated. It gives the transaction in which the last
// of it goes, to which the sweep adds the end of the clock and the record of the act, and how much went; no transaction
// when there is nothing to remove, and ErrLater when there will be.
type Clearer func(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error)

// Clearance is a kind of due work of an area that the sweep carries out.
type Clearance struct {
	Kind  store.DueKind
	Clear Clearer
}
