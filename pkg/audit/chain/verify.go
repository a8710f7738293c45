package chain

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/store"
)

// Fault is what is wrong at one place of a chain.
type Fault string

// The faults.
const (
	RecordEdited  Fault = "record_edited"
	RecordDropped Fault = "record_dropped"
	RecordAdded   Fault = "record_added" // it lies where all was sealed and is in no seal
	RecordMoved   Fault = "record_moved" // it is in a seal for another time
	SealEdited    Fault = "seal_edited"  // its hash is not that of what it says, or not the one that the next seal or the head names
	SealDropped   Fault = "seal_dropped" // one between others, or before the first that is there and not old enough to have gone
	ChainCut      Fault = "chain_cut"    // seals at the end are gone, or the head is
	HeadEdited    Fault = "head_edited"  // the head is behind the seals
	HeadForged    Fault = "head_forged"  // the newest signed head bears no signature of PixelTrack's
	ChainRemade   Fault = "chain_remade" // the seals fit together, and are not those that were signed

	// RestorationUnsigned says that the chain was taken back by a restore, or that a seal says so, and that no signed head
	// vouches for it: not yet, or never.
	RestorationUnsigned Fault = "restoration_unsigned"
)

const (
	maxSeals   = 20             // of one call
	lateAfter  = 24 * time.Hour // from then on a record must be sealed
	keptFor    = api.AuditLife  // afterwards records and their seals go
	clockSlack = 48 * time.Hour // TTL deletes within days
	afterAll   = "\U0010FFFF"   // sorts behind every key
)

// Finding names one place where a chain is broken.
type Finding struct {
	Fault  Fault  `json:"fault" enum:"record_edited,record_dropped,record_added,record_moved,seal_edited,seal_dropped,chain_cut,head_edited,head_forged,chain_remade,restoration_unsigned" doc:"What is wrong."`
	Seal   int64  `json:"seal,omitempty" doc:"The number of the seal." example:"12"`
	Record string `json:"record_id,omitempty" doc:"The id of the record." example:"rec_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// Restored is a place where a chain was taken back by a restore of the table from a backup. It is told for good, whatever
// else is found.
type Restored struct {
	Seal     int64     `json:"seal,omitempty" doc:"The number of the seal that says so; absent until the next signing makes it." example:"13"`
	At       time.Time `json:"restored_at" doc:"When the restored data took over." example:"2026-03-02T09:00:00Z"`
	LostFrom int64     `json:"lost_from,omitempty" doc:"The first seal of the chain that was left which is lost, or of which nothing tells that it is the same; absent until the next signing." example:"9"`
	LostTo   int64     `json:"lost_to" doc:"The last seal of the chain that was left which had been signed. The records of lost seals are lost where the backup does not have them." example:"12"`
	Signed   bool      `json:"signed" doc:"Whether a signed head vouches for the restoration."`
}

// Report is what one call of a verification found.
type Report struct {
	Intact   bool       `json:"intact" doc:"Whether nothing is wrong in what this call looked at."`
	Seals    int        `json:"seals" doc:"How many seals it looked at: 20 at most." example:"3"`
	Records  int        `json:"records" doc:"How many records are in them." example:"212"`
	Waiting  int        `json:"waiting" doc:"How many records at the end are not sealed yet, of the newest 100; only in the last call." example:"4"`
	Signed   int64      `json:"signed,omitempty" doc:"The number of the last seal that a signed head outside the table vouches for; only in the last call." example:"3"`
	Findings []Finding  `json:"findings"`
	Restored []Restored `json:"restorations" doc:"Where data was restored from a backup, and the chain was taken back to it and went on from there. It is kept for 7 years, as records are."`
	Next     string     `json:"next_cursor,omitempty" doc:"Send it as cursor to go on; absent when the end was reached."`
}

// ErrCursor says that a cursor is not one of a verification.
var ErrCursor = errors.New("chain: not a cursor of a verification")

// Verify recomputes a part of a chain: from its beginning, or from where a call before ended. The call that
// reaches the end holds it against the newest signed head. Every restoration on the way is told, and is no finding when a
// signed head vouches for it.
func Verify(ctx context.Context, h Holder, w Witness, now time.Time, cursor string) (*Report, error) {
	from, err := place(cursor)
	if err != nil {
		return nil, err
	}
	v := &verifier{holder: h, witness: w, now: now, report: &Report{Findings: []Finding{}, Restored: []Restored{}}}
	var seals []*Seal
	q := store.Query{Partition: h.Scope().Partition(FamilySeal), From: number(max(from, 1)), Limit: maxSeals + 2} // one before and one behind
	if seals, _, err = store.List[Seal](ctx, h, q); err != nil {
		return nil, err
	}
	var before *Seal
	if from > 0 && len(seals) > 0 && seals[0].Sequence == from {
		before, seals = seals[0], seals[1:] // it was looked at by the call before; the next one names it
	}
	more := len(seals) > maxSeals
	if more {
		seals = seals[:maxSeals]
	}
	if !more || slices.ContainsFunc(seals, func(s *Seal) bool { return s.Restored != nil }) {
		v.ask(ctx)
	}
	for _, s := range seals {
		if err := v.seal(ctx, before, from, s); err != nil {
			return nil, err
		}
		before = s
	}
	if more {
		v.report.Next = strconv.FormatInt(before.Sequence, 10)
	} else if err := v.end(ctx, before); err != nil {
		return nil, err
	}
	v.moved()
	v.report.Intact = len(v.report.Findings) == 0
	return v.report, nil
}

// place reads a cursor: the number of the last seal that was looked at, 0 for none.
func place(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 1 || n > 1e12 || cursor != strconv.FormatInt(n, 10) {
		return 0, ErrCursor
	}
	return n, nil
}

type verifier struct {
	holder  Holder
	witness Witness
	now     time.Time
	report  *Report
	outside func() outside // waits for what was asked
}

// outside is what a chain is held against: the newest signed head, nil when there is none, or why that is not known, and
// when the table was admitted after a restore.
type outside struct {
	head     *SignedHead
	err      error
	admitted time.Time
	failed   error
}

// ask reads, beside the chain, what it is held against.
func (v *verifier) ask(ctx context.Context) {
	var o outside
	var asked sync.WaitGroup
	asked.Go(func() { o.head, o.err = v.witness.Newest(ctx, owner(v.holder)) })
	asked.Go(func() { o.admitted, o.failed = admitted(ctx, v.holder.Store()) })
	v.outside = func() outside {
		asked.Wait()
		return o
	}
}

func (v *verifier) found(fault Fault, seal int64, key string) {
	parts := store.Parts(key)
	record := parts[len(parts)-1]
	v.report.Findings = append(v.report.Findings, Finding{Fault: fault, Seal: seal, Record: record})
}

// seal looks at one seal: that it follows the one before, that it says what it said, and that its records do.
func (v *verifier) seal(ctx context.Context, before *Seal, from int64, s *Seal) error {
	v.report.Seals++
	after := ""
	switch {
	case before != nil && s.before() != before.Sequence:
		if !v.gone(s.Since) { // what lies behind a restoration seal may be older, and go before it
			v.found(SealDropped, before.Sequence+1, "")
		}
	case before != nil:
		after = before.last()
		if s.Previous != before.Hash {
			v.found(SealEdited, before.Sequence, "")
		}
	case s.before() != from && !v.gone(s.Since):
		v.found(SealDropped, s.before(), "")
	}
	if !s.sound() {
		v.found(SealEdited, s.Sequence, "")
	}
	if s.Restored != nil {
		return v.restoration(s)
	}
	if after == "" && s.Sequence > 1 && len(s.Records) > 0 {
		after = s.Records[0].Key[:len(s.Records[0].Key)-1] // what lies before belongs to seals that are not there
	}
	return v.records(ctx, s, after)
}

// restoration tells of a restoration seal. A signed head that lies before it does not vouch for it.
func (v *verifier) restoration(s *Seal) error {
	o := v.outside()
	if o.err != nil && !errors.Is(o.err, ErrForged) {
		return o.err
	}
	signed := o.head != nil && o.head.Sequence >= s.Sequence
	if !signed {
		v.found(RestorationUnsigned, s.Sequence, "")
	}
	v.report.Restored = append(v.report.Restored, Restored{Seal: s.Sequence, At: time.Unix(s.Restored.At, 0).UTC(),
		LostFrom: s.Restored.Kept + 1, LostTo: s.Restored.Sequence, Signed: signed})
	return nil
}

// gone says whether what was made at a time may have gone by its age, with the seals before.
func (v *verifier) gone(at int64) bool { return gone(v.now, at) }

func gone(now time.Time, at int64) bool { return now.Sub(time.Unix(at, 0)) > keptFor-clockSlack }

// records compares the records of a seal with those that lie where it says.
func (v *verifier) records(ctx context.Context, s *Seal, after string) error {
	v.report.Records += len(s.Records)
	there := map[string]*api.Audit{}
	until := s.last()
	for {
		page, err := between(ctx, v.holder, after, until, perSeal)
		if err != nil {
			return err
		}
		for _, a := range page {
			there[a.SK] = a
			after = a.SK
		}
		if len(page) < perSeal {
			break
		}
	}
	for _, m := range s.Records {
		a := there[m.Key]
		delete(there, m.Key)
		switch {
		case a == nil && !v.gone(instant(m.Key)):
			v.found(RecordDropped, s.Sequence, m.Key)
		case a != nil && markOf(a) != m:
			v.found(RecordEdited, s.Sequence, m.Key)
		}
	}
	for key := range there {
		v.found(RecordAdded, s.Sequence, key)
	}
	return nil
}

// instant is the time in a record's key, in epoch seconds.
func instant(key string) int64 {
	t, err := store.ParseInstant(store.Parts(key)[0])
	if err != nil {
		return 1 << 40
	}
	return t.Unix()
}

// vouched compares the seals with the newest signed head. Sequence is that of the last seal there is.
func (v *verifier) vouched(ctx context.Context, o outside, sequence int64) error {
	switch {
	case errors.Is(o.err, ErrForged):
		v.found(HeadForged, 0, "")
		return nil
	case o.err != nil:
		return o.err
	case o.head == nil || v.gone(o.head.Last.Unix()):
		return nil
	}
	v.report.Signed = o.head.Sequence
	if o.head.Sequence > sequence {
		v.behind(o, ChainCut, sequence+1)
		return nil
	}
	there, err := store.Get[Seal](ctx, v.holder, v.holder.Scope().Key(FamilySeal, number(o.head.Sequence)))
	if errors.Is(err, store.ErrMissing) {
		return nil // the call that came by its place named it, or the restoration seal that jumps over it
	}
	if err != nil {
		return err
	}
	if there.Hash != o.head.SHA256 {
		v.behind(o, ChainRemade, o.head.Sequence)
	}
	return nil
}

// behind finds that the chain is not the one that was signed last: by somebody's act, or by a restore that is not sealed yet.
func (v *verifier) behind(o outside, fault Fault, sequence int64) {
	switch {
	case !o.head.leaves(o.admitted) && fault == ChainCut:
		v.cut(sequence)
	case !o.head.leaves(o.admitted):
		v.found(fault, sequence, "")
	case !slices.ContainsFunc(v.report.Restored, func(r Restored) bool { return !r.Signed }): // else it was told
		v.found(RestorationUnsigned, 0, "")
		v.report.Restored = append(v.report.Restored, Restored{At: o.admitted, LostTo: o.head.Sequence})
	}
}

// cut finds, once, that the seals from one on are gone.
func (v *verifier) cut(sequence int64) {
	for _, f := range v.report.Findings {
		if f.Fault == ChainCut {
			return
		}
	}
	v.found(ChainCut, sequence, "")
}

// end compares the last seal with the head and with what was signed, and looks at what lies behind.
func (v *verifier) end(ctx context.Context, last *Seal) error {
	head, err := store.Get[Head](ctx, v.holder, HeadKey(owner(v.holder)))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return err
	}
	sequence, hash, behind := int64(0), "", ""
	if last != nil {
		sequence, hash, behind = last.Sequence, last.Hash, last.last()
	}
	switch {
	case err != nil && last == nil:
	case err != nil:
		v.found(ChainCut, sequence, "")
	case head.Sequence > sequence && (last != nil || !v.aged(head)):
		v.found(ChainCut, sequence+1, "")
		behind = max(behind, head.Last)
	case head.Sequence < sequence:
		v.found(HeadEdited, head.Sequence, "")
	case last != nil && head.Hash != hash:
		v.found(SealEdited, sequence, "")
	}
	waiting, err := between(ctx, v.holder, behind, afterAll, perSeal)
	if err != nil {
		return err
	}
	v.report.Waiting = len(waiting)
	o := v.outside()
	if o.failed != nil {
		return o.failed
	}
	for _, a := range waiting { // in a table that was restored they wait since it was admitted
		if v.now.Sub(time.Unix(a.At, 0)) > lateAfter && v.now.Sub(o.admitted) > lateAfter {
			v.found(RecordAdded, sequence, a.SK)
		}
	}
	return v.vouched(ctx, o, sequence)
}

// aged says whether all that a head tells of may have gone by its age.
func (v *verifier) aged(h *Head) bool { return v.gone(h.when()) }

// moved makes one finding of a record that is missed in one place and lies in another.
func (v *verifier) moved() {
	missed, extra := map[string]bool{}, map[string]bool{}
	for _, f := range v.report.Findings {
		missed[f.Record] = missed[f.Record] || f.Fault == RecordDropped
		extra[f.Record] = extra[f.Record] || f.Fault == RecordAdded
	}
	kept := []Finding{}
	for _, f := range v.report.Findings {
		moved := missed[f.Record] && extra[f.Record]
		if moved && f.Fault == RecordAdded {
			continue
		}
		if moved && f.Fault == RecordDropped {
			f.Fault = RecordMoved
		}
		kept = append(kept, f)
	}
	v.report.Findings = kept
}
