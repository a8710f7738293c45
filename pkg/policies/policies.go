// Package policies is the register of the published versions of the privacy policy: those that the program begins with, and
// those that PixelTrack's privacy officer has published since, which lie in the table with their texts and never change.
package policies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of published versions and their texts.
const (
	Family     store.Family = "POLICY"
	FamilyText store.Family = "POLICYBODY"
)

// Version is a published version without its text.
type Version struct {
	store.Meta
	Number       int             `dynamo:"number"`
	Effective    int64           `dynamo:"effective"` // epoch seconds, as all times here
	Material     bool            `dynamo:"material,omitempty"`
	Summary      string          `dynamo:"summary"`
	SHA256       string          `dynamo:"sha256"`
	Published    int64           `dynamo:"published"`
	By           id.Staff        `dynamo:"by"`
	Announcement id.Announcement `dynamo:"announcement,omitempty"` // by which everybody is told
}

// Type is the row's type.
func (v *Version) Type() string { return "POLICY" }

// Keys puts versions under their number, and lists them by the time at which they take effect.
func (v *Version) Keys() store.Keys {
	s := store.PlatformScope()
	return store.Keys{Primary: s.Key(Family, number(v.Number)), Index1: store.Key{PK: s.Partition(Family), SK: store.Join(store.Instant(clock.At(v.Effective)), number(v.Number))}}
}

// Text is the text of a published version.
type Text struct {
	store.Meta
	Number int    `dynamo:"number"`
	Text   string `dynamo:"text"`
}

// Type is the row's type.
func (t *Text) Type() string { return "POLICYBODY" }

// Keys puts texts under the number of their version.
func (t *Text) Keys() store.Keys {
	return store.Keys{Primary: store.PlatformScope().Key(FamilyText, number(t.Number))}
}

// number writes a number so that texts sort as numbers do.
func number(n int) string { return fmt.Sprintf("%06d", n) }

func (v *Version) version() policy.Version {
	return policy.Version{Number: v.Number, Effective: clock.At(v.Effective), Material: v.Material, Summary: v.Summary, Hash: v.SHA256}
}

// InEffect is the version that counts at a time, without its text where that lies in the table. A version is published a day
// or more before it takes effect, so that the index which is read here knows it by then.
func InEffect(ctx context.Context, p *store.Platform, now time.Time) (policy.Version, error) {
	q := store.Query{Index: store.Index1, Partition: p.Scope().Partition(Family), To: store.Join(store.Instant(now), "~"), Descending: true, Limit: 1}
	newest, _, err := store.List[Version](ctx, p, q)
	if err != nil {
		return policy.Version{}, fmt.Errorf("policy in effect: %w", err)
	}
	if len(newest) == 0 {
		return policy.InEffect(now), nil
	}
	return newest[0].version(), nil
}

// All lists every published version without its text, oldest first.
func All(ctx context.Context, p *store.Platform) ([]policy.Version, error) {
	all := policy.Versions()
	for v, err := range store.All[Version](ctx, p, store.Query{Partition: p.Scope().Partition(Family), Limit: 100}) {
		if err != nil {
			return nil, err
		}
		all = append(all, v.version())
	}
	return all, nil
}

// Of reads a version with its text, false when there is none of that number.
func Of(ctx context.Context, p *store.Platform, n int) (policy.Version, bool, error) {
	if v, ok := policy.Of(n); ok {
		return v, true, nil
	}
	v, t := &Version{Number: n}, &Text{Number: n}
	versions := &store.Fetch{Through: p, Key: v.Keys().Primary, Row: v}
	texts := &store.Fetch{Through: p, Key: t.Keys().Primary, Row: t}
	if err := p.Store().FetchAll(ctx, versions, texts); err != nil {
		return policy.Version{}, false, err
	}
	if err := errors.Join(versions.Err, texts.Err); errors.Is(err, store.ErrMissing) {
		return policy.Version{}, false, nil
	} else if err != nil {
		return policy.Version{}, false, err
	}
	out := v.version()
	out.Text = []byte(t.Text)
	return out, true, nil
}

// newest is the version of the highest number.
func newest(ctx context.Context, p *store.Platform) (policy.Version, error) {
	last, _, err := store.List[Version](ctx, p, store.Query{Partition: p.Scope().Partition(Family), Descending: true, Limit: 1})
	if err != nil {
		return policy.Version{}, err
	}
	if len(last) == 0 {
		all := policy.Versions()
		return all[len(all)-1], nil
	}
	return last[0].version(), nil
}

// Rows registers the rows.
func Rows() []registry.Row {
	platform := []registry.Scope{registry.InPlatform}
	return []registry.Row{
		{Sample: Version{}, Type: "POLICY", Area: "admin", Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassPlatform, Family: string(Family), Scopes: platform, Fields: []registry.Field{
				registry.Internal("number", "a number"), registry.Internal("effective", "a time"), registry.Internal("material", "a mark"),
				registry.Internal("summary", "a public text"), registry.Internal("sha256", "the hash of a public text"), registry.Internal("published", "a time"),
				registry.Internal("by", "the id of one of PixelTrack's own people"), registry.Internal("announcement", "a random id"),
			}},
		{Sample: Text{}, Type: "POLICYBODY", Area: "admin", Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassPlatform, Family: string(FamilyText), Scopes: platform, Fields: []registry.Field{
				registry.Internal("number", "a number"), registry.Internal("text", "a public text"),
			}},
	}
}
