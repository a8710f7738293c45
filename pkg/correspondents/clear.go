package correspondents

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// Clear removes a correspondent whom nothing is kept of any more that their address is needed for: no ticket, whose own end
// brings the clock back, no open request, no package to fetch, and no mail that waits to be sent.
func Clear(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error) {
	scope, _ := store.ScopeOf(d.Target.PK)
	hash, ok := scope.Case()
	if !ok {
		return nil, 0, nil
	}
	h := st.BindCase(hash, actor)
	h.SeeRestricted()
	c, err := store.Get[Correspondent](ctx, h, d.Target)
	switch {
	case errors.Is(err, store.ErrMissing):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case c.Held:
		return nil, 0, retention.ErrHeld
	}
	for _, family := range []store.Family{"TICKET", "REQUEST", "PACKAGE", "OUTBOX"} {
		needed := false
		err := record.Walk(ctx, h, store.Query{Partition: h.Scope().Partition(family)}, func(r *record.Row) error {
			needed = needed || needs(r)
			return nil
		})
		switch {
		case err != nil:
			return nil, 0, err
		case needed && family == "TICKET":
			return nil, 0, nil
		case needed:
			return nil, 0, retention.ErrHeld
		}
	}
	tx := st.Begin()
	tx.Delete(h, c)
	return tx, 1, nil
}

// needs says whether the address is needed for something.
func needs(r *record.Row) bool {
	switch r.Type() {
	case "REQUEST":
		return request.State(r.Text("state")).Open()
	case "MAIL_OUT":
		return r.Text("state") == "queued" || r.Text("state") == "sending"
	}
	return true
}
