package invoicing

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ListIn is the input of list-invoices.
type ListIn struct {
	api.Page
	api.Since
	Status   Status `query:"status" enum:"assembling,draft,sent,viewed,partly_paid,paid,void" doc:"Only invoices of this state; not together with updated_since."`
	ClientID string `query:"client_id" maxLength:"64" doc:"Only invoices to this client; not together with updated_since."`
	Overdue  bool   `query:"overdue" enum:"true" doc:"Only invoices that are overdue, none that is paid or void; not together with updated_since. They are gathered once a day: one whose day has just ended says overdue up to a day before it is listed here."`
}

// ListOut is the answer of list-invoices.
type ListOut struct{ Body api.Changes[Summary] }

// ListInvoices lists the organisation's invoices.
func ListInvoices() api.Operation {
	return api.New(api.Route{
		ID: "list-invoices", Area: "invoicing", Method: http.MethodGet, Path: "/v1/invoices", PureRead: true,
		Permission: access.InvoicesRead, Purpose: purpose.Invoicing, Summary: "The organization's invoices",
		Description: "Without their lines, in the order in which they were written; with status or overdue by client; with updated_since in the order of their changes.",
		Refusals:    []api.Refusal{{Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut:  api.Changes[Summary]{Data: []Summary{exampleSent().Summary}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		filtered := in.Status != "" || in.ClientID != "" || in.Overdue
		q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor}
		switch {
		case filtered && !in.UpdatedSince.IsZero():
			return nil, problem.InvalidField("query.updated_since", "not together with status, client_id or overdue")
		case filtered:
			return in.shelved(ctx, c)
		case !in.UpdatedSince.IsZero():
			if err := c.ChangedSince(in.UpdatedSince); err != nil {
				return nil, err
			}
			q.Index, q.From, q.Tombstones = store.Index2, store.Instant(in.UpdatedSince), true
		}
		page, err := api.ListChanges(ctx, c.Org, q, func(row *Invoice) Summary { return summary(c.Now, row) })
		return &ListOut{page}, err
	})
}

// wants says whether a shelf holds what is asked for.
func (in *ListIn) wants(s shelf) bool {
	return (in.Status == "" || in.Status == s.status) && (s.late || !in.Overdue)
}

// shelved lists the invoices of the shelves that the filters want, each shelf's beside the others', in one order by client
// and id, which is that of their making. The cursor is where the page ended in that order.
func (in *ListIn) shelved(ctx context.Context, c *api.Caller) (*ListOut, error) {
	from, to, err := in.span()
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(shelves(), func(s shelf) bool { return !in.wants(s) })
	pages := make([][]*Invoice, len(wanted))
	all, within := errgroup.WithContext(ctx)
	for n, s := range wanted {
		all.Go(func() (err error) {
			q := store.Query{Index: store.Index1, Partition: s.in(c.Org.Scope()), Limit: in.Limit + 1, From: from, To: to}
			pages[n], _, err = store.List[Invoice](within, c.Org, q)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	rows := slices.Concat(pages...)
	slices.SortFunc(rows, func(a, b *Invoice) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.ID, b.ID), cmp.Compare(b.Version, a.Version))
	})
	rows = slices.CompactFunc(rows, func(a, b *Invoice) bool { return a.ID == b.ID }) // the index lags: one that has just moved may be on two shelves
	out := &ListOut{Body: api.Changes[Summary]{Data: []Summary{}}}
	for n, row := range rows {
		if n == in.Limit {
			last := rows[n-1]
			out.Body.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(store.Join(string(last.Client), string(last.ID))))
			break
		}
		out.Body.Data = append(out.Body.Data, summary(c.Now, row))
	}
	return out, nil
}

// span is from where to where the page lies in the order of the shelves: after the page before, within the client. An empty
// side is open.
func (in *ListIn) span() (from, to string, err error) {
	if in.ClientID != "" {
		client, err := id.Parse[id.Client](in.ClientID)
		if err != nil {
			return "", "", problem.InvalidField("query.client_id", "not the id of a client")
		}
		from, to = store.Join(string(client), ""), store.Join(string(client), "~")
	}
	if in.Cursor == "" {
		return from, to, nil
	}
	client, inv, err := place(in.Cursor)
	if err != nil || in.ClientID != "" && string(client) != in.ClientID {
		return "", "", api.ListError(store.ErrCursor)
	}
	return store.Join(string(client), string(inv)+"!"), to, nil
}

// place reads a cursor: the invoice that the page before ended with.
func place(cursor string) (client id.Client, inv id.Invoice, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", "", err
	}
	parts := store.Parts(string(text))
	if len(parts) != 2 {
		return "", "", store.ErrCursor
	}
	if client, err = id.Parse[id.Client](parts[0]); err != nil {
		return "", "", err
	}
	inv, err = id.Parse[id.Invoice](parts[1])
	return client, inv, err
}
