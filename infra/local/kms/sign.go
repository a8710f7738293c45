package kms

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"

	"pixeltrack.io/platform/infra/local/awsjson"
)

const maxMessage = 4096

type signRequest struct {
	KeyID            string `json:"KeyId"`
	Message          []byte
	MessageType      string
	Signature        []byte
	SigningAlgorithm string
}

// options are how a message is to be signed: as it is (RAW with ED25519_SHA_512), or by its SHA-512 digest.
func (q signRequest) options() (*ed25519.Options, error) {
	if q.MessageType == "" {
		q.MessageType = "RAW"
	}
	switch {
	case len(q.Message) < 1 || len(q.Message) > maxMessage:
		return nil, refused("ValidationException", "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length between 1 and 4096")
	case q.SigningAlgorithm == algorithm && q.MessageType == "RAW":
		return &ed25519.Options{}, nil
	case q.SigningAlgorithm == "ED25519_PH_SHA_512" && q.MessageType == "DIGEST":
		if len(q.Message) != crypto.SHA512.Size() {
			return nil, refused("ValidationException", "Digest is invalid length for algorithm %s.", q.SigningAlgorithm)
		}
		return &ed25519.Options{Hash: crypto.SHA512}, nil
	}
	return nil, refused("ValidationException", "The message type %s is not valid with the signing algorithm %s.", q.MessageType, q.SigningAlgorithm)
}

func (q signRequest) conditions() map[string][]string {
	kind := q.MessageType
	if kind == "" {
		kind = "RAW"
	}
	return map[string][]string{"kms:SigningAlgorithm": {q.SigningAlgorithm}, "kms:MessageType": {kind}}
}

func (s *service) sign(c *awsjson.Call) (any, error) {
	var q signRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.usable(c, q.KeyID, "kms:Sign", useSign, q.conditions())
	if err != nil {
		return nil, err
	}
	options, err := q.options()
	if err != nil {
		return nil, err
	}
	signature, err := k.private().Sign(nil, q.Message, options)
	if err != nil {
		return nil, err
	}
	return map[string]any{"KeyId": k.arn(), "Signature": signature, "SigningAlgorithm": q.SigningAlgorithm}, nil
}

func (s *service) verify(c *awsjson.Call) (any, error) {
	var q signRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.usable(c, q.KeyID, "kms:Verify", useSign, q.conditions())
	if err != nil {
		return nil, err
	}
	options, err := q.options()
	if err != nil {
		return nil, err
	}
	if ed25519.VerifyWithOptions(k.public(), q.Message, q.Signature, options) != nil {
		return nil, refused("KMSInvalidSignatureException", "The signature is not valid.")
	}
	return map[string]any{"KeyId": k.arn(), "SignatureValid": true, "SigningAlgorithm": q.SigningAlgorithm}, nil
}

func (k *key) public() ed25519.PublicKey { return k.private().Public().(ed25519.PublicKey) }

func (s *service) getPublicKey(c *awsjson.Call) (any, error) {
	var q keyRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.usable(c, q.KeyID, "kms:GetPublicKey", useSign, nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(k.public())
	if err != nil {
		return nil, err
	}
	return map[string]any{"KeyId": k.arn(), "PublicKey": der, "KeySpec": k.spec, "CustomerMasterKeySpec": k.spec, "KeyUsage": k.usage(),
		"SigningAlgorithms": []string{algorithm, "ED25519_PH_SHA_512"}}, nil
}
