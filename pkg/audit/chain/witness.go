package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// DueHead is the clock of a chain that has grown since its head was signed.
const DueHead store.DueKind = "sign_audit_head"

// SignedHead is what a signature vouches for: how far a chain had come. It lies outside the table, where nobody can delete
// it, so that not even a chain made anew as a whole passes for the one that was.
type SignedHead struct {
	Organization id.Organization `json:"organization"` // empty for the platform's chain
	Sequence     int64           `json:"sequence"`     // of its last seal
	Records      int64           `json:"records"`      // that were ever sealed
	Last         time.Time       `json:"last"`         // when the last of them was written, or the last seal made, if it is one of a restoration
	SHA256       string          `json:"sha256"`       // of the last seal
	SignedAt     time.Time       `json:"signed_at"`
}

// signedFile is the object of a signed head. The signature is over the bytes of the head, as they are there.
type signedFile struct {
	Head      json.RawMessage `json:"head"`
	Signature []byte          `json:"signature"` // Ed25519 (RFC 8032)
}

// signedContext is what the signature is over before the head, so that it can be of nothing else.
const signedContext = "pixeltrack audit head 1\n"

// most is a sequence that no chain reaches.
const most = 999_999_999_999

// headObject is where a signed head lies. The sequence counts down, so that the newest head sorts first.
func headObject(of id.Organization, sequence int64) string {
	return blob.KeyPrefix(scope(of)) + number(most-sequence) + ".json"
}

var (
	// ErrForged says that what lies in the place of a signed head bears no signature of ours for this chain.
	ErrForged = errors.New("chain: a signed head is forged")

	// ErrBroken says that a chain does not follow from the head that was signed last.
	ErrBroken = errors.New("chain: it does not follow from its last signed head")
)

// Heads is the bucket of signed heads.
type Heads interface {
	Create(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
	Earliest(ctx context.Context, prefix, after string) ([]byte, error)
}

// Witness reads signed heads.
type Witness struct {
	Heads  Heads
	Public func(ctx context.Context) (ed25519.PublicKey, error)
}

// Newest is the newest signed head of an organisation's chain, or with no id of the platform's, nil when none was signed yet, or ErrForged.
func (w Witness) Newest(ctx context.Context, of id.Organization) (*SignedHead, error) {
	return w.read(ctx, of, "")
}

// below is the newest signed head of a chain that had not come as far as a sequence.
func (w Witness) below(ctx context.Context, of id.Organization, sequence int64) (*SignedHead, error) {
	head, err := w.read(ctx, of, headObject(of, sequence))
	if err == nil && head != nil && head.Sequence >= sequence {
		return nil, ErrForged // it was laid where an older one belongs
	}
	return head, err
}

// read reads the newest signed head behind an object.
func (w Witness) read(ctx context.Context, of id.Organization, after string) (*SignedHead, error) {
	text, err := w.Heads.Earliest(ctx, blob.KeyPrefix(scope(of)), after)
	if errors.Is(err, blob.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("signed head: %w", err)
	}
	public, err := w.Public(ctx)
	if err != nil {
		return nil, fmt.Errorf("signed head: %w", err)
	}
	var file signedFile
	if json.Unmarshal(text, &file) != nil || !ed25519.Verify(public, append([]byte(signedContext), file.Head...), file.Signature) {
		return nil, ErrForged
	}
	head := new(SignedHead)
	if json.Unmarshal(file.Head, head) != nil || head.Organization != of {
		return nil, ErrForged
	}
	return head, nil
}

// Notary signs heads. It needs a Witness to know what it signed last.
type Notary struct {
	Witness
	Sign keys.SignFunc
}

// SignAuditHeads signs the heads of the chains that have grown, once a day. It signs only what follows, seal by seal, from
// what it signed before: a chain that was tampered with fails, and goes on failing, instead of being vouched for. One that
// a restore of the table has taken back is first given a restoration seal, which tells of it.
func SignAuditHeads(n Notary) job.Job {
	return job.Job{
		ID: "sign-audit-heads", Area: "organization", Summary: "Sign how far audit chains have come, outside the table", Purpose: purpose.Security, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, DueHead, r.Settled(), func(ctx context.Context, d *store.Due) error { return n.sign(ctx, r, d) })
		},
	}
}

// headDue is when the head of a chain that grows now is to be signed: when the day (UTC) is over and its sealers are through.
func headDue(of id.Organization, now time.Time) *store.Due {
	return store.NewDue(DueHead, now.UTC().Truncate(24*time.Hour).Add(24*time.Hour+Settle), HeadKey(of))
}

// sign signs the head that a clock is of, unless it is signed.
func (n Notary) sign(ctx context.Context, r *job.Run, d *store.Due) error {
	in, _ := store.ScopeOf(d.Target.PK)
	h, ok := bound(r.Store, r.Actor, in)
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	of := owner(h)
	before, err := n.Newest(ctx, of)
	if err != nil {
		return err
	}
	head, err := store.Get[Head](ctx, h, HeadKey(of))
	if errors.Is(err, store.ErrMissing) {
		there, err := lives(ctx, h)
		if err != nil {
			return err
		}
		if !there {
			return store.Forget(ctx, r.Platform(), d) // the chain has gone with its organization
		}
		head = &Head{Organization: of} // it was never begun, or was cut off
	} else if err != nil {
		return err
	}
	if before != nil && before.isOf(head) {
		return store.Forget(ctx, r.Platform(), d)
	}
	if before == nil && head.Sequence > 0 && gone(r.Clock(), head.when()) {
		return store.Forget(ctx, r.Platform(), d) // all that it tells of may have gone by its age, as what was signed of it has
	}
	last, err := ends(ctx, h, before, head)
	if errors.Is(err, ErrBroken) {
		last, err = n.restored(ctx, r, h, before, head)
	}
	if errors.Is(err, store.ErrStale) {
		return nil // another run appends; the clock stays until one of us has signed
	}
	if err != nil {
		return err
	}
	next := &SignedHead{Organization: of, Sequence: last.Sequence, Records: head.Count, Last: time.Unix(last.when(), 0).UTC(), SHA256: last.Hash, SignedAt: r.Clock().UTC().Truncate(time.Second)}
	if err := n.put(ctx, next); err != nil {
		return err
	}
	return store.Forget(ctx, r.Platform(), d)
}

// isOf says whether a head was signed as it is.
func (s *SignedHead) isOf(head *Head) bool {
	return head.Sequence == s.Sequence && head.Hash == s.SHA256
}

// ends goes from the head that was signed last to the head, seal by seal, and gives the last, or ErrBroken. A head that has
// a clock was there, and on the way from one signed head to the next no table was restored.
func ends(ctx context.Context, h Holder, before *SignedHead, head *Head) (*Seal, error) {
	if head.Sequence == 0 {
		return nil, ErrBroken
	}
	last, restored, err := follow(ctx, h, before, head)
	if err == nil && restored != nil {
		return nil, ErrBroken
	}
	return last, err
}

// follow goes from a signed head, nil for the beginning of the chain, to the head, seal by seal, and gives the last, or
// ErrBroken. It tells of the last restoration on the way. Seals at the beginning that have gone by their age are not missed.
func follow(ctx context.Context, h Holder, signed *SignedHead, head *Head) (last *Seal, restored *Restoration, err error) {
	sequence, hash := int64(0), ""
	if signed != nil {
		sequence, hash = signed.Sequence, signed.SHA256
	}
	q := store.Query{Partition: h.Scope().Partition(FamilySeal), From: number(sequence + 1), To: number(head.Sequence), Limit: maxSeals}
	if q.From > q.To {
		return nil, nil, ErrBroken
	}
	for s, err := range store.All[Seal](ctx, h, q) {
		if err != nil {
			return nil, nil, err
		}
		begins := signed == nil && last == nil && gone(h.Store().Now(), s.Since)
		if !begins && (s.before() != sequence || s.Previous != hash) || !s.sound() {
			return nil, nil, ErrBroken
		}
		sequence, hash, last = s.Sequence, s.Hash, s
		if s.Restored != nil {
			restored = s.Restored
		}
	}
	if last == nil || sequence != head.Sequence || hash != head.Hash {
		return nil, nil, ErrBroken
	}
	return last, restored, nil
}

// put signs a head and stores it. One that a twin has stored is as good.
func (n Notary) put(ctx context.Context, head *SignedHead) error {
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("sign head: %w", err)
	}
	file := signedFile{Head: text}
	if file.Signature, err = n.Sign(ctx, append([]byte(signedContext), text...)); err != nil {
		return fmt.Errorf("sign head: %w", err)
	}
	if text, err = json.Marshal(file); err != nil {
		return fmt.Errorf("sign head: %w", err)
	}
	err = n.Heads.Create(ctx, headObject(head.Organization, head.Sequence), "application/json", bytes.NewReader(text))
	if !errors.Is(err, blob.ErrExists) {
		return err
	}
	there, err := n.Newest(ctx, head.Organization)
	if err != nil {
		return err
	}
	if there == nil || there.Sequence != head.Sequence || there.SHA256 != head.SHA256 {
		return ErrForged
	}
	return nil
}
