package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// JWK is one public key (RFC 8037).
type JWK struct {
	KeyType   string `json:"kty" example:"OKP"`
	Curve     string `json:"crv" example:"Ed25519"`
	Algorithm string `json:"alg" example:"EdDSA"`
	Use       string `json:"use" example:"sig"`
	KeyID     string `json:"kid" example:"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"`
	X         string `json:"x" doc:"The public key, base64url." example:"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
}

// JWKS is a set of public keys (RFC 7517).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// JWKSOut is the answer of get-jwks.
type JWKSOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         JWKS
}

// GetJwks serves the public keys that access tokens are checked with.
func GetJwks(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-jwks", Area: "auth", Method: http.MethodGet, Path: "/.well-known/jwks.json", Audience: api.Public, PureRead: true,
		Summary: "The public keys of access tokens", Purpose: purpose.Authentication,
		Description: "Keys that sign, are about to, or have signed tokens that still count. Read it again for an unknown kid.",
		ExampleOut: JWKS{Keys: []JWK{{KeyType: "OKP", Curve: "Ed25519", Algorithm: "EdDSA", Use: "sig",
			KeyID: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", X: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*JWKSOut, error) {
		public, err := keyring.Reader(st)(ctx)
		if err != nil {
			return nil, err
		}
		out := &JWKSOut{CacheControl: "public, max-age=300", Body: JWKS{Keys: []JWK{}}}
		for kid, key := range public {
			out.Body.Keys = append(out.Body.Keys, JWK{KeyType: "OKP", Curve: "Ed25519", Algorithm: "EdDSA", Use: "sig", KeyID: kid,
				X: base64.RawURLEncoding.EncodeToString(key)})
		}
		slices.SortFunc(out.Body.Keys, func(a, b JWK) int { return strings.Compare(a.KeyID, b.KeyID) })
		return out, nil
	})
}

const (
	// notice is how long a new key is known before it signs, longer than anybody keeps a ring or a key set.
	notice = time.Hour
	// afterlife is how long a key that no longer signs is still good for tokens that it signed.
	afterlife = keys.TokenLife + 2*ringLife
	// memory is how long a retired key is still listed in the ring.
	memory = 24 * time.Hour
)

// PublicKeys gives the public half of a key in KMS.
type PublicKeys func(ctx context.Context, keyID string) (ed25519.PublicKey, error)

// RotateKeys brings the ring of public keys up to the signing keys that the deployment names. A key that is new to a ring
// which can sign is known for an hour before it signs; one that is no longer named signs nothing, and its tokens count
// until the last has ended. So to rotate is to deploy with a second key, and a day later without the first; nobody is
// logged out.
func RotateKeys(named []string, public PublicKeys) job.Job {
	return job.Job{
		ID: "rotate-keys", Area: "auth", Summary: "Bring the ring of public keys up to the deployment's signing keys",
		Purpose: purpose.Authentication, Triggers: []string{"schedule"}, Restores: true,
		Run: func(ctx context.Context, r *job.Run) error {
			p := r.Platform()
			ring, err := store.Get[keyring.Ring](ctx, p, keyring.RingKey())
			if errors.Is(err, store.ErrMissing) {
				ring = &keyring.Ring{Table: r.Store.Name()} // a new stage, with nothing in it to be erased again
			} else if err != nil {
				return err
			}
			changed, err := rotated(ctx, ring, named, public, r.Clock())
			if err != nil || !changed {
				return err
			}
			tx := r.Store.Begin()
			if ring.Version == 0 {
				tx.Create(p, ring).Else(store.ErrStale)
			} else {
				tx.Replace(p, ring)
			}
			err = tx.Commit(ctx)
			if errors.Is(err, store.ErrStale) {
				return nil // another run was first, and did the same
			}
			return err
		},
	}
}

// rotated changes a ring to what it should be at a time, and says whether it changed.
func rotated(ctx context.Context, ring *keyring.Ring, named []string, public PublicKeys, now time.Time) (changed bool, err error) {
	for i, k := range ring.PublicKeys {
		if k.Retired == 0 && !slices.Contains(named, k.KeyID) {
			ring.PublicKeys[i].Retired, changed = now.Add(afterlife).Unix(), true
		}
	}
	before := len(ring.PublicKeys)
	ring.PublicKeys = slices.DeleteFunc(ring.PublicKeys, func(k keyring.Key) bool {
		return k.Retired != 0 && k.Retired <= now.Add(-memory).Unix()
	})
	changed = changed || len(ring.PublicKeys) != before
	signs := slices.ContainsFunc(ring.PublicKeys, func(k keyring.Key) bool { return k.Retired == 0 && k.Since <= now.Unix() })
	for _, name := range named {
		if slices.ContainsFunc(ring.PublicKeys, func(k keyring.Key) bool { return k.KeyID == name && k.Retired == 0 }) {
			continue
		}
		key, err := public(ctx, name)
		if err != nil {
			return false, fmt.Errorf("rotate keys: %w", err)
		}
		since := now
		if signs {
			since = now.Add(notice)
		}
		signs = true
		kid := thumbprint(key)
		ring.PublicKeys = slices.DeleteFunc(ring.PublicKeys, func(k keyring.Key) bool { return k.ID == kid }) // named again
		ring.PublicKeys = append(ring.PublicKeys, keyring.Key{ID: kid, KeyID: name, Public: key, Since: since.Unix()})
		changed = true
	}
	return changed, nil
}

// thumbprint names a public key by its hash (RFC 7638, RFC 8037).
func thumbprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
