package clients

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// DueErasure is the clock of the erasure of a client, and of an invoice whose recipient goes. It rings when whoever had
// read the person before can write no more, and its work finds what they wrote.
const DueErasure store.DueKind = "erasure"

// Settle is longer than any function that writes invoices or their documents runs, and than an index lags.
const Settle = 6 * time.Minute

// ErasureDue is the clock of the erasure of a client.
func (c *Client) ErasureDue() *store.Due {
	return store.NewDue(DueErasure, time.Unix(c.ErasedAt, 0).Add(Settle), Key(c.Org, c.ID))
}

// Blank takes the person off a client. What is left is a number that invoices and projects refer to.
func (c *Client) Blank() {
	c.Name, c.Email, c.Phone, c.Address, c.Notes, c.Tags, c.TaxID, c.Contacts = "", "", "", nil, "", nil, nil, 0
}

// ErasureBody is how far the erasure of a client is, and what the law keeps.
type ErasureBody struct {
	ClientID string     `json:"client_id" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Status   string     `json:"status" enum:"running,done" doc:"Running until the person is off every invoice and its document, half an hour at most; the client itself shows nothing from the call on."`
	ErasedAt time.Time  `json:"erased_at"`
	DoneAt   *time.Time `json:"done_at,omitempty"`
	Kept     []KeptBody `json:"kept" doc:"What stays, without the recipient."`
}

// KeptBody is one kind of record that stays after an erasure.
type KeptBody struct {
	Record string `json:"record" enum:"invoices,projects,files"`
	Count  int64  `json:"count" example:"3"`
	What   string `json:"what" example:"Number, dates, lines, amounts, taxes and the issuer."`
	Why    string `json:"why" example:"Tax law."`
	Until  string `json:"until,omitempty" format:"date" doc:"The last day of those that are settled by now: seven years after issue or settlement, whichever is later. One that is still open is kept seven years from its settlement." example:"2033-03-02"`
}

// ErasureOut is the answer of erase-client.
type ErasureOut struct{ Body ErasureBody }

func (c *Client) erasure() *ErasureOut {
	b := ErasureBody{ClientID: string(c.ID), Status: "running", ErasedAt: time.Unix(c.ErasedAt, 0).UTC(), Kept: []KeptBody{}}
	if c.ErasureDone != 0 {
		done := time.Unix(c.ErasureDone, 0).UTC()
		b.Status, b.DoneAt = "done", &done
	}
	if c.Invoices > 0 {
		rule, _ := retention.Of(registry.ClassFinance)
		until, _ := rule.Due(b.ErasedAt)
		b.Kept = append(b.Kept, KeptBody{Record: "invoices", Count: c.Invoices, What: "Number, dates, lines, amounts, taxes, notes and the issuer, in a document without the recipient. A draft can only be deleted.",
			Why: "Tax law.", Until: until.Format(time.DateOnly)})
	}
	if c.Projects > 0 {
		b.Kept = append(b.Kept, KeptBody{Record: "projects", Count: c.Projects, What: "The work itself.", Why: "It is the organization's; delete what names the person."})
	}
	if c.Files > 0 {
		b.Kept = append(b.Kept, KeptBody{Record: "files", Count: c.Files, What: "What is attached to the client.", Why: "It is the organization's; delete what names the person."})
	}
	return &ErasureOut{Body: b}
}

// meetings is how often an erasure meets other changes of its client before it gives up.
const meetings = 5

// EraseClient erases the person that a client is. The call itself deletes nothing: it hides the client for good and starts
// the erasure, which writes its ledger first.
func EraseClient(st *store.Store) api.Operation {
	e := (&Client{ID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Invoices: 3, ErasedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix()}).erasure()
	return api.Replayable(api.Route{
		ID: "erase-client", Area: "clients", Method: http.MethodPost, Path: "/v1/clients/{id}/erasure", Status: http.StatusAccepted, ReadsAhead: true, Audit: true,
		Permission: access.ClientsDelete, Purpose: purpose.PrivacyRights, Summary: "Erase a client's personal data",
		Description: "For the organization, as controller of its clients' data, when the person asks for it. From the call on the client shows no name, address, note or contact, takes no change and no new work, whatever version it has. " +
			"Within half an hour the recipient is off every invoice, and each stored document is replaced by one without the recipient. There is no way back. Erasing twice is erasing once, and answers how far it is.",
		Refusals:   []api.Refusal{missing(), {Kind: problem.Conflict, Code: "kept_by_law", When: "A legal hold keeps the client for now."}},
		ExampleOut: e.Body,
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*ErasureOut, error) {
		for range meetings {
			row, err := Read(ctx, c.Org, in.ID)
			if err != nil {
				return nil, err
			}
			switch {
			case row.ErasedAt != 0:
				return row.erasure(), nil
			case row.Held:
				return nil, problem.Of(problem.Conflict, "kept_by_law", "It must be kept for now.")
			}
			row.ErasedAt, row.Status, row.Named = c.Now.Unix(), Archived, "" // nobody is found here any more
			row.touch(c.Now)
			tx := st.Begin()
			tx.Replace(c.Org, row)
			tx.Arm(c.Org, row.ErasureDue())
			err = c.Commit(ctx, tx, string(row.ID))
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return row.erasure(), nil
		}
		return nil, store.ErrConflict
	}, func(ctx context.Context, c *api.Caller, made string) (*ErasureOut, error) {
		row, err := Read(ctx, c.Org, made)
		if err != nil {
			return nil, err
		}
		return row.erasure(), nil
	})
}

// EraseAgain brings a client of a restored table to where its erasure, begun at a time, had it: hidden for good, with its
// clock. It tells whether the work of that clock is done.
func EraseAgain(ctx context.Context, org *store.Organization, c id.Client, begun time.Time) (done bool, err error) {
	row, err := store.Get[Client](ctx, org, Key(org.ID, c))
	if errors.Is(err, store.ErrMissing) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if row.ErasedAt != 0 {
		left, err := store.Remaining(ctx, org.Store().BindPlatform(org.Actor()), row.ErasureDue())
		return !left, err
	}
	row.ErasedAt, row.Status, row.Named = begun.Unix(), Archived, ""
	row.touch(org.Now())
	tx := org.Store().Begin()
	tx.Replace(org, row)
	tx.Arm(org, row.ErasureDue())
	return false, tx.Commit(ctx)
}

// Erasing reads a client whose erasure is to go on, nil when there is none.
func Erasing(ctx context.Context, org *store.Organization, c id.Client) (*Client, error) {
	row, err := store.Get[Client](ctx, org, Key(org.ID, c))
	if errors.Is(err, store.ErrMissing) || err == nil && (row.ErasedAt == 0 || row.ErasureDone != 0) {
		return nil, nil
	}
	return row, err
}

// Forget takes the person off the row of a client whose erasure is to go on.
func Forget(tx *store.Tx, org *store.Organization, c id.Client) {
	tx.Change(org, Key(org.ID, c), func(u *dynamo.Update) {
		u.Remove("name", "email", "phone", "address", "notes", "tags", "tax_id", "contacts").If("attribute_exists('erased_at')")
	})
}

// Forgotten ends the erasure of a client.
func Forgotten(tx *store.Tx, org *store.Organization, c id.Client, now time.Time) {
	tx.Change(org, Key(org.ID, c), func(u *dynamo.Update) {
		u.Set("erasure_done", now.Unix()).If("attribute_exists('erased_at')")
	})
}
