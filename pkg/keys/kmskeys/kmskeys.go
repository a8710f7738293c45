// Package kmskeys holds the keys that never leave KMS: those that sign access tokens and those that wrap data keys.
package kmskeys

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"pixeltrack.io/platform/pkg/keys"
)

// Signer signs access tokens with a key in KMS (ECC_NIST_EDWARDS25519, RFC 8032). Only functions that make tokens may.
type Signer struct {
	client *kms.Client
	keyID  string
}

// NewSigner opens a signing key by its id or ARN.
func NewSigner(cfg aws.Config, keyID string) *Signer {
	return &Signer{client: kms.NewFromConfig(cfg), keyID: keyID}
}

// Sign signs a message of up to 4 KB.
func (s *Signer) Sign(ctx context.Context, message []byte) ([]byte, error) {
	out, err := s.client.Sign(ctx, &kms.SignInput{KeyId: &s.keyID, Message: message, MessageType: types.MessageTypeRaw,
		SigningAlgorithm: types.SigningAlgorithmSpecEd25519Sha512})
	if err != nil {
		return nil, fmt.Errorf("kmskeys: sign: %w", err)
	}
	return out.Signature, nil
}

// PublicKey gives the public half of the key.
func (s *Signer) PublicKey(ctx context.Context) (ed25519.PublicKey, error) {
	out, err := s.client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &s.keyID})
	if err != nil {
		return nil, fmt.Errorf("kmskeys: public key: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("kmskeys: public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("kmskeys: not an Ed25519 key")
	}
	return key, nil
}

// DataKeys makes and opens data keys under a key in KMS. It serves keys.Envelope.
type DataKeys struct {
	client *kms.Client
	keyID  string
}

var _ keys.DataKeys = (*DataKeys)(nil)

// NewDataKeys opens a wrapping key by its id or ARN.
func NewDataKeys(cfg aws.Config, keyID string) *DataKeys {
	return &DataKeys{client: kms.NewFromConfig(cfg), keyID: keyID}
}

// use binds the data keys to their use. It names no tenant: the context stands readable in CloudTrail, where nothing can
// be erased; the sealed value itself is bound to tenant, row and field.
func use() map[string]string { return map[string]string{"use": "field"} }

// Generate makes a data key.
func (d *DataKeys) Generate(ctx context.Context) (keys.DataKey, error) {
	out, err := d.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &d.keyID, KeySpec: types.DataKeySpecAes256, EncryptionContext: use()})
	if err != nil {
		return keys.DataKey{}, fmt.Errorf("kmskeys: generate: %w", err)
	}
	return keys.DataKey{Plain: out.Plaintext, Wrapped: out.CiphertextBlob}, nil
}

// Unwrap opens a data key that this key wrapped; it never asks another one.
func (d *DataKeys) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	out, err := d.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &d.keyID, CiphertextBlob: wrapped, EncryptionContext: use()})
	var invalid *types.InvalidCiphertextException
	var other *types.IncorrectKeyException
	if errors.As(err, &invalid) || errors.As(err, &other) {
		return nil, keys.ErrSealed
	}
	if err != nil {
		return nil, fmt.Errorf("kmskeys: unwrap: %w", err)
	}
	return out.Plaintext, nil
}
