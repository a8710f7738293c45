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
}

// ListOut is the answer of list-invoices.
type ListOut struct{ Body api.Changes[Summary] }

// ListInvoices lists the organisation's invoices.
func ListInvoices() api.Operation {
	return api.New(api.Route{
		ID: "list-invoices", Area: "invoicing", Method: http.MethodGet, Path: "/v1/invoices", PureRead: true,
		Permission: access.InvoicesRead, Purpose: purpose.Invoicing, Summary: "The organization's invoices",
		Description: "Without their lines, in the order in which they were written; of a status by client; with updated_since in the order of their changes.",
		Refusals:    []api.Refusal{{Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut:  api.Changes[Summary]{Data: []Summary{exampleSent().Summary}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		if in.ClientID != "" && in.Status == "" && in.UpdatedSince.IsZero() {
			return in.ofClient(ctx, c)
		}
		q, err := in.query(c)
		if err != nil {
			return nil, err
		}
		page, err := api.ListChanges(ctx, c.Org, q, func(row *Invoice) Summary { return summary(c.Now, row) })
		return &ListOut{page}, err
	})
}

func (in *ListIn) query(c *api.Caller) (store.Query, error) {
	q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor}
	switch {
	case !in.UpdatedSince.IsZero() && (in.Status != "" || in.ClientID != ""):
		return q, problem.InvalidField("query.updated_since", "not together with status or client_id")
	case !in.UpdatedSince.IsZero():
		q.Index, q.From, q.Tombstones = store.Index2, store.Instant(in.UpdatedSince), true
		return q, c.ChangedSince(in.UpdatedSince)
	case in.Status == "":
		return q, nil
	}
	q.Index, q.Partition = store.Index1, c.Org.Scope().Partition(Family, string(in.Status))
	if in.ClientID != "" {
		client, err := in.client()
		if err != nil {
			return q, err
		}
		q.Prefix = store.Join(string(client), "")
	}
	return q, nil
}

func (in *ListIn) client() (id.Client, error) {
	client, err := id.Parse[id.Client](in.ClientID)
	if err != nil {
		return "", problem.InvalidField("query.client_id", "not the id of a client")
	}
	return client, nil
}

// ofClient lists a client's invoices of all states: each state's beside the others', in one order by id, which is that of
// their making. The cursor is the last id of the page.
func (in *ListIn) ofClient(ctx context.Context, c *api.Caller) (*ListOut, error) {
	client, err := in.client()
	if err != nil {
		return nil, err
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	states := Statuses()
	pages := make([][]*Invoice, len(states))
	all, within := errgroup.WithContext(ctx)
	for n, s := range states {
		all.Go(func() (err error) {
			q := store.Query{Index: store.Index1, Partition: c.Org.Scope().Partition(Family, string(s)), Limit: in.Limit + 1,
				From: store.Join(string(client), string(after)+"!"), To: store.Join(string(client), "~")}
			pages[n], _, err = store.List[Invoice](within, c.Org, q)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	rows := slices.Concat(pages...)
	slices.SortFunc(rows, func(a, b *Invoice) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(b.Version, a.Version)) })
	rows = slices.CompactFunc(rows, func(a, b *Invoice) bool { return a.ID == b.ID }) // the index lags: one that has just moved may be in two states
	out := &ListOut{Body: api.Changes[Summary]{Data: []Summary{}}}
	for n, row := range rows {
		if n == in.Limit {
			out.Body.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(rows[n-1].ID))
			break
		}
		out.Body.Data = append(out.Body.Data, summary(c.Now, row))
	}
	return out, nil
}

// after is the id that the page before ended with.
func (in *ListIn) after() (id.Invoice, error) {
	if in.Cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(in.Cursor)
	if err != nil {
		return "", api.ListError(store.ErrCursor)
	}
	after, err := id.Parse[id.Invoice](string(text))
	if err != nil {
		return "", api.ListError(store.ErrCursor)
	}
	return after, nil
}
