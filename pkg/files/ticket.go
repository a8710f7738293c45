package files

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// seen reads a file that the caller may see. What hangs on a ticket is seen by who sees the ticket, and by who uploaded it;
// what hangs on a project by who sees the project. To others it is missing.
func seen(ctx context.Context, c *api.Caller, text string) (*File, error) {
	f, err := Read(ctx, c.Org, text)
	if err != nil {
		return nil, err
	}
	if f.ParentType == OfProject {
		p := id.Project(f.Parent)
		sees, err := projects.Seen(ctx, c, p)
		if err != nil {
			return nil, err
		}
		if !sees[p] {
			return nil, problem.Missing("file")
		}
	}
	if !f.hidden(c) {
		return f, nil
	}
	if _, err := support.Read(ctx, c, f.Parent); err != nil {
		if problem.KindOf(err) == problem.NotFound {
			return nil, problem.Missing("file")
		}
		return nil, err
	}
	return f, nil
}

// hidden says whether the ticket must be asked whether the caller may see its file.
func (f *File) hidden(c *api.Caller) bool {
	return f.ParentType == OfTicket && f.Member != c.Member && !c.May(access.SupportReadAll)
}

// openTicket refuses files of a ticket that the caller does not see, or that is closed.
func openTicket(ctx context.Context, c *api.Caller, text string) error {
	t, err := support.Read(ctx, c, text)
	if err != nil {
		return err
	}
	if t.Status == support.Closed {
		return closedTicket()
	}
	return nil
}

func closedTicket() error {
	return problem.Of(problem.Conflict, "ticket_closed", "The ticket is closed and takes no files; reopen it first.")
}

// whyNotTicket says why a file could not hang on a ticket.
func whyNotTicket(_ context.Context, _ *store.Organization, _ string, err error) error {
	if errors.Is(err, support.ErrOver) {
		return closedTicket()
	}
	return err
}

// GoWithTicket deletes the files of a ticket that is about to go, and tells how many. The sweep of uploads deletes every
// version of their bytes. It can be repeated, and says retention.ErrHeld when one is held or restricted.
func GoWithTicket(ctx context.Context, h support.Holder, t id.Ticket) (int, error) {
	org, ok := h.(*store.Organization)
	if !ok {
		return 0, nil // a correspondent has no files
	}
	return purgeAll(ctx, org, store.Query{Index: store.Index2, Partition: org.Scope().Partition(Family, string(t))}, nil)
}

// Forget deletes the files that a member sent to support, before the link to the person is cut. It can be repeated, as
// GoWithTicket can.
func Forget(ctx context.Context, org *store.Organization, member id.Member) (int, error) {
	return purgeAll(ctx, org, store.Query{Index: store.Index1, Partition: org.Scope().Partition(Family, string(member))}, func(tx *store.Tx, f *File) {
		support.Detach(tx, org, id.Ticket(f.Parent))
	})
}

// purgeAll deletes the files of a query that hang on tickets.
func purgeAll(ctx context.Context, org *store.Organization, q store.Query, detach func(*store.Tx, *File)) (int, error) {
	q.Limit = 50
	n := 0
	for listed, err := range store.All[File](ctx, org, q) {
		if err != nil {
			return n, err
		}
		if listed.ParentType != OfTicket {
			continue
		}
		f, err := store.Get[File](ctx, org, listed.Keys().Primary) // as it is, not as the index has it
		if errors.Is(err, store.ErrMissing) {
			continue
		}
		if err != nil {
			return n, err
		}
		if f.Held || f.Restricted {
			return n, retention.ErrHeld
		}
		err = f.purge(ctx, org, detach)
		if errors.Is(err, store.ErrMissing) { // the ticket is gone, or about to go
			err = f.purge(ctx, org, nil)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// purge deletes the row of a file without a trace of it, and has the sweep look at its objects when nobody can write them
// any more.
func (f *File) purge(ctx context.Context, org *store.Organization, detach func(*store.Tx, *File)) error {
	gone := *f
	tx := org.Store().Begin()
	tx.Delete(org, &gone)
	if detach != nil {
		detach(tx, &gone)
	}
	gone.move(tx, org, max(f.Until, org.Now().Unix())+int64(Wait.Seconds()))
	return tx.Commit(ctx)
}
