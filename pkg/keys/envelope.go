package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DataKey is a key of 32 bytes that encrypts fields, plain and as the key service wrapped it.
type DataKey struct {
	Plain   []byte
	Wrapped []byte
}

// DataKeys makes and opens data keys; package kmskeys does so with KMS.
type DataKeys interface {
	Generate(ctx context.Context) (DataKey, error)
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// Place is the one field of one row that a sealed value belongs into. Sealed for one place it opens in no other.
type Place struct {
	Tenant string // ORG#org_… or USER#usr_…
	Row    string // the sort key
	Field  string
}

// ErrSealed says that a value cannot be opened: it was changed, or sealed for another place.
var ErrSealed = errors.New("keys: the sealed value does not open here")

// The format of a sealed value: its version, the length of the wrapped key in two bytes, the wrapped key, the nonce,
// the encrypted value with its tag.
const (
	sealVersion = 1
	sealHead    = 3
	nonceSize   = 12
	tagSize     = 16
)

const (
	// dataKeyLife is how long a data key in memory is used.
	dataKeyLife = 5 * time.Minute

	// maxOpenKeys bounds how many unwrapped keys are kept.
	maxOpenKeys = 128
)

// Envelope encrypts single fields (tax ids, provider tokens, second-factor seeds) with AES-256-GCM under data keys. It
// is safe for concurrent use.
type Envelope struct {
	keys DataKeys
	now  func() time.Time

	mu      sync.Mutex
	sealing *openKey
	opened  map[string]*openKey // by wrapped key
}

type openKey struct {
	aead    cipher.AEAD
	wrapped []byte
	until   time.Time
}

// NewEnvelope makes an envelope over data keys. Now is the function's clock.
func NewEnvelope(k DataKeys, now func() time.Time) *Envelope {
	return &Envelope{keys: k, now: now, opened: map[string]*openKey{}}
}

// Seal encrypts a value for a place.
func (e *Envelope) Seal(ctx context.Context, at Place, value []byte) ([]byte, error) {
	key, err := e.sealingKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys: data key: %w", err)
	}
	sealed := append([]byte{sealVersion}, binary.BigEndian.AppendUint16(nil, uint16(len(key.wrapped)))...)
	sealed = append(sealed, key.wrapped...)
	nonce := make([]byte, nonceSize)
	rand.Read(nonce) // never fails
	sealed = append(sealed, nonce...)
	return key.aead.Seal(sealed, nonce, value, at.bytes()), nil
}

// Open decrypts a value that was sealed for a place. It is ErrSealed for any other value or place; other errors are of
// the data keys.
func (e *Envelope) Open(ctx context.Context, at Place, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHead || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	n := int(binary.BigEndian.Uint16(sealed[1:]))
	rest := sealed[sealHead:]
	if len(rest) < n+nonceSize+tagSize {
		return nil, ErrSealed
	}
	key, err := e.openingKey(ctx, rest[:n])
	if err != nil {
		return nil, fmt.Errorf("keys: data key: %w", err)
	}
	nonce, text := rest[n:n+nonceSize], rest[n+nonceSize:]
	value, err := key.aead.Open(nil, nonce, text, at.bytes())
	if err != nil {
		return nil, ErrSealed
	}
	return value, nil
}

// bytes is a text that no other place has: each part with its length before it.
func (p Place) bytes() []byte {
	var b []byte
	for _, part := range []string{p.Tenant, p.Row, p.Field} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

func (e *Envelope) sealingKey(ctx context.Context) (*openKey, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sealing != nil && e.now().Before(e.sealing.until) {
		return e.sealing, nil
	}
	k, err := e.keys.Generate(ctx)
	if err != nil {
		return nil, err
	}
	if len(k.Wrapped) > 1<<16-1 {
		return nil, errors.New("the wrapped key is too long")
	}
	if e.sealing, err = e.keep(k); err != nil {
		return nil, err
	}
	return e.sealing, nil
}

func (e *Envelope) openingKey(ctx context.Context, wrapped []byte) (*openKey, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.opened[string(wrapped)]; k != nil && e.now().Before(k.until) {
		return k, nil
	}
	plain, err := e.keys.Unwrap(ctx, wrapped)
	if err != nil {
		return nil, err
	}
	return e.keep(DataKey{Plain: plain, Wrapped: append([]byte(nil), wrapped...)})
}

// keep remembers a key for a while. The caller holds the lock.
func (e *Envelope) keep(k DataKey) (*openKey, error) {
	if len(k.Plain) != 32 {
		return nil, errors.New("the data key does not have 32 bytes")
	}
	block, err := aes.NewCipher(k.Plain)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(e.opened) >= maxOpenKeys {
		clear(e.opened)
	}
	open := &openKey{aead: aead, wrapped: k.Wrapped, until: e.now().Add(dataKeyLife)}
	e.opened[string(k.Wrapped)] = open
	return open, nil
}
