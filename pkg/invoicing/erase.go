package invoicing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// RecipientDue is the clock of an invoice whose recipient was erased and whose document is to be made anew.
func RecipientDue(org id.Organization, i id.Invoice, at time.Time) *store.Due {
	return store.NewDue(clients.DueErasure, at, Key(org, i))
}

// Rendered makes a document known: in the transaction that writes its row, whose fields it sets. The transaction fails with
// store.ErrStale when the document names a recipient who was erased since it was made.
func (i *Invoice) Rendered(tx *store.Tx, org *store.Organization, f *File, sha256 string, size int64, bare bool) {
	f.Name, f.Object, f.SHA256, f.Size, f.Bare = fileName(i.Number), BareKey(i.Org, i.ID), sha256, size, bare
	if !bare {
		f.Object = DocumentKey(i.Org, i.ID)
		tx.Check(org, PayerKey(i.Org, i.ID), "attribute_not_exists('erased_at')").Else(store.ErrStale)
	}
	tx.Disarm(org, i.RenderDue(), false)
}

// EraseRecipient takes the person off an invoice: the recipient's words are struck out of its free text, the row of the
// payer is blanked and keeps the hash of the document that named the person, and the document is to be made anew. What it
// adds to the transaction happens with it. Done again it changes nothing, and says so. What is held or restricted is
// retention.ErrHeld.
func EraseRecipient(ctx context.Context, org *store.Organization, i id.Invoice, and func(*store.Tx)) (erased bool, err error) {
	err = store.Again(ctx, store.ErrStale, func() error {
		erased = false
		p, f := new(Payer), new(File)
		payer, file := &store.Fetch{Through: org, Key: PayerKey(org.ID, i), Row: p}, &store.Fetch{Through: org, Key: FileKey(org.ID, i), Row: f}
		if err := org.Store().FetchAll(ctx, payer, file); err != nil {
			return err
		}
		switch {
		case errors.Is(payer.Err, store.ErrMissing), payer.Err == nil && p.ErasedAt != 0:
			return nil
		case payer.Err != nil:
			return payer.Err
		case file.Err != nil && !errors.Is(file.Err, store.ErrMissing):
			return file.Err
		case p.Held || p.Restricted || f.Held || f.Restricted:
			return retention.ErrHeld
		}
		if err := redact(ctx, org, i, p.words()); err != nil {
			return err
		}
		p.Name, p.Email, p.Address, p.TaxID, p.ErasedAt = "", "", nil, nil, org.Now().Unix()
		p.Named = ""
		tx := org.Store().Begin()
		if file.Err == nil {
			p.Original = f.SHA256
			f.Object, f.SHA256, f.Size, f.Bare = "", "", 0, true
			tx.Replace(org, f)
		} else {
			tx.Check(org, FileKey(org.ID, i), "attribute_not_exists('PK')").Else(store.ErrStale) // its hash would be lost
		}
		tx.Replace(org, p)
		if and != nil {
			and(tx)
		}
		erased = true
		return tx.Commit(ctx)
	})
	return erased, err
}

// Struck stands where a recipient was named in free text.
const Struck = "[erased]"

// words are what a recipient is named by. What is shorter than three letters stands in other words too.
func (p *Payer) words() []string {
	all := []string{p.Name, p.Email}
	if p.Address != nil {
		all = append(all, p.Address.Line1, p.Address.Line2)
	}
	return slices.DeleteFunc(all, func(w string) bool { return utf8.RuneCountInString(w) < 3 })
}

// strike puts Struck in the place of words, and says whether there was one.
func strike(words []string, texts ...*string) bool {
	struck := false
	for _, t := range texts {
		for _, w := range words {
			if strings.Contains(*t, w) {
				*t, struck = strings.ReplaceAll(*t, w, Struck), true
			}
		}
	}
	return struck
}

// redact strikes words out of the free text of an invoice: of the invoice itself, its lines and its payments. It is done
// before the words are lost with the payer, and what is half done is done again. A writer who was first is store.ErrStale.
func redact(ctx context.Context, org *store.Organization, inv id.Invoice, words []string) error {
	i, err := store.Get[Invoice](ctx, org, Key(org.ID, inv))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if i.Held {
		return retention.ErrHeld
	}
	struck, document := strike(words, &i.Order, &i.Notes, &i.Terms, &i.Reason), org.Store().Begin()
	parts, _, err := store.List[Part](ctx, org, store.Query{Partition: org.Scope().Partition(FamilyLines, string(inv)), Limit: calc.MaxLines / PartSize})
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.Revision != i.Revision {
			return store.ErrStale // a draft is written between
		}
		named := false
		for n := range p.Lines {
			named = strike(words, &p.Lines[n].Description) || named
		}
		if named {
			document.Put(org, p) // who else writes lines writes the invoice, whose version decides
			struck = true
		}
	}
	if struck {
		document.Replace(org, i)
		if err := document.Commit(ctx); err != nil {
			return err
		}
	}
	q := store.Query{Index: store.Index1, Partition: org.Scope().Partition(FamilyPayment, string(inv)), Limit: 100}
	for p, err := range store.All[Payment](ctx, org, q) {
		if err != nil {
			return err
		}
		if !strike(words, &p.Reference) {
			continue
		}
		tx := org.Store().Begin()
		tx.Replace(org, p)
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Shelves lists where the invoices of a client lie, by their states.
func Shelves(org store.Scope, c id.Client) []store.Query {
	var all []store.Query
	for _, s := range shelves() {
		all = append(all, store.Query{Index: store.Index1, Partition: s.in(org), Prefix: store.Join(string(c), "")})
	}
	return all
}

// Leaves lists where the rows lie that belong to an invoice and say something of its client: who is to pay, the lines, the
// document and the payments. Ids have one length.
func Leaves(org store.Scope, i id.Invoice) []store.Query {
	return []store.Query{{Partition: org.Partition(FamilyPayer), Prefix: string(i)}, {Partition: org.Partition(FamilyLines, string(i))},
		{Partition: org.Partition(FamilyFile), Prefix: string(i)}, {Index: store.Index1, Partition: org.Partition(FamilyPayment, string(i))}}
}

// OfClient gives every invoice of a client once or more, in the order of their states: one that moves on meanwhile is met
// again, not missed.
func OfClient(ctx context.Context, org *store.Organization, c id.Client, yield func(*Invoice) error) error {
	for _, q := range Shelves(org.Scope(), c) {
		q.Limit = 100
		for i, err := range store.All[Invoice](ctx, org, q) {
			if err == nil {
				err = yield(i)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Strip takes persons off the invoices of an organisation that is purged: recipients, the documents that name them, and the
// hours of its people. Drafts, which no duty keeps, go whole. A clock has the documents made anew.
func Strip(documents Objects) func(ctx context.Context, org *store.Organization) (int, error) {
	return func(ctx context.Context, org *store.Organization) (int, error) {
		count := 0
		for i, err := range store.All[Invoice](ctx, org, store.Query{Partition: org.Scope().Partition(Family), Limit: 100}) {
			if err != nil {
				return count, err
			}
			n, err := i.strip(ctx, org, documents)
			count += n
			if err != nil {
				return count, err
			}
		}
		return count, nil
	}
}

func (i *Invoice) strip(ctx context.Context, org *store.Organization, documents Objects) (int, error) {
	if !i.Issued() {
		tx, n, err := i.clear(ctx, org, documents)
		if err != nil {
			return 0, err
		}
		tx.Disarm(org, i.due(), true)
		return n, tx.Commit(ctx)
	}
	clock := org.Store().Begin()
	clock.Disarm(org, i.overdueDue(), false) // there is nobody to list it for
	if err := clock.Commit(ctx); err != nil {
		return 0, err
	}
	gone, kept, err := store.Purge(ctx, org, org.Scope().Partition(FamilyClaims, string(i.ID)))
	if err != nil {
		return gone, err
	}
	if kept > 0 {
		return gone, retention.ErrHeld
	}
	erased, err := EraseRecipient(ctx, org, i.ID, func(tx *store.Tx) { tx.Arm(org, RecipientDue(i.Org, i.ID, org.Now().Add(clients.Settle))) })
	if err != nil {
		return gone, err
	}
	if erased {
		gone++
	}
	n, err := documents.Purge(ctx, DocumentKey(i.Org, i.ID))
	return gone + n, err
}
