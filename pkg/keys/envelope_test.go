package keys_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/keys"
)

// vault is a key service in memory that counts its calls.
type vault struct {
	keys                map[string][]byte
	generated, unwraped int
	err                 error
}

func (v *vault) Generate(context.Context) (keys.DataKey, error) {
	if v.err != nil {
		return keys.DataKey{}, v.err
	}
	v.generated++
	k := keys.DataKey{Plain: make([]byte, 32), Wrapped: make([]byte, 40)}
	rand.Read(k.Plain)
	rand.Read(k.Wrapped)
	if v.keys == nil {
		v.keys = map[string][]byte{}
	}
	v.keys[string(k.Wrapped)] = k.Plain
	return k, nil
}

func (v *vault) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	if v.err != nil {
		return nil, v.err
	}
	v.unwraped++
	plain := v.keys[string(wrapped)]
	if plain == nil {
		return nil, errors.New("not a key of this vault")
	}
	return plain, nil
}

func TestEnvelope(t *testing.T) {
	ctx := context.Background()
	home := keys.Place{Tenant: "ORG#org_1", Row: "CLIENT#cli_1", Field: "tax_id"}
	e := keys.NewEnvelope(&vault{}, time.Now)
	sealed, err := e.Seal(ctx, home, []byte("DE123456789"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("123456789")) {
		t.Error("the sealed value shows the plain one")
	}
	again, err := e.Seal(ctx, home, []byte("DE123456789"))
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("two seals of one value are equal, or error %v", err)
	}
	tests := []struct {
		name   string
		place  keys.Place
		change func([]byte) []byte
		want   error
	}{
		{name: "opens in its place", place: home},
		{name: "not for another tenant", place: keys.Place{Tenant: "ORG#org_2", Row: home.Row, Field: home.Field}, want: keys.ErrSealed},
		{name: "not in another row", place: keys.Place{Tenant: home.Tenant, Row: "CLIENT#cli_2", Field: home.Field}, want: keys.ErrSealed},
		{name: "not in another field", place: keys.Place{Tenant: home.Tenant, Row: home.Row, Field: "vat_id"}, want: keys.ErrSealed},
		{name: "not where the parts join to the same text", place: keys.Place{Tenant: "ORG#org_1CLIENT", Row: "#cli_1", Field: "tax_id"}, want: keys.ErrSealed},
		{name: "not changed", place: home, change: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, want: keys.ErrSealed},
		{name: "not of another version", place: home, change: func(b []byte) []byte { b[0] = 2; return b }, want: keys.ErrSealed},
		{name: "not cut", place: home, change: func(b []byte) []byte { return b[:len(b)-1] }, want: keys.ErrSealed},
		{name: "not empty", place: home, change: func([]byte) []byte { return nil }, want: keys.ErrSealed},
		{name: "not a head alone", place: home, change: func(b []byte) []byte { return b[:3] }, want: keys.ErrSealed},
		{name: "not with a length that lies", place: home, change: func(b []byte) []byte { b[1] = 0xff; return b }, want: keys.ErrSealed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := bytes.Clone(sealed)
			if tt.change != nil {
				value = tt.change(value)
			}
			got, err := e.Open(ctx, tt.place, value)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Open = %v; want %v", err, tt.want)
			}
			if tt.want == nil && string(got) != "DE123456789" {
				t.Errorf("Open = %q; want the value", got)
			}
		})
	}
}

func TestEnvelopeKeepsKeysShortly(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	v := &vault{}
	e := keys.NewEnvelope(v, func() time.Time { return now })
	seal := func() []byte {
		sealed, err := e.Seal(ctx, keys.Place{Field: "seed"}, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	sealed := seal()
	seal()
	now = now.Add(4 * time.Minute)
	seal()
	if v.generated != 1 {
		t.Errorf("%d keys made within five minutes; want 1", v.generated)
	}
	now = now.Add(time.Minute)
	seal()
	if v.generated != 2 {
		t.Errorf("%d keys made after five minutes; want 2", v.generated)
	}
	for range 3 {
		if _, err := e.Open(ctx, keys.Place{Field: "seed"}, sealed); err != nil {
			t.Fatal(err)
		}
	}
	if v.unwraped != 1 {
		t.Errorf("%d keys unwrapped; want 1", v.unwraped)
	}
	v.err = errors.New("no key service")
	now = now.Add(5 * time.Minute)
	if _, err := e.Open(ctx, keys.Place{Field: "seed"}, sealed); !errors.Is(err, v.err) {
		t.Errorf("Open without the key service = %v; want its error", err)
	}
	if _, err := e.Seal(ctx, keys.Place{Field: "seed"}, nil); !errors.Is(err, v.err) {
		t.Errorf("Seal without the key service = %v; want its error", err)
	}
}
