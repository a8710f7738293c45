package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"pixeltrack.io/platform/infra/local/awsjson"
)

// A wrapped text is a version, the length of the key's id, the id, the nonce, and the encrypted text with its tag.
const wrapVersion = 1

type cryptRequest struct {
	KeyID               string `json:"KeyId"`
	Plaintext           []byte
	CiphertextBlob      []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	KeySpec             string
	NumberOfBytes       int
}

// conditions are what policies may ask of the encryption context.
func (q cryptRequest) conditions() map[string][]string {
	m := map[string][]string{}
	for name, value := range q.EncryptionContext {
		m["kms:EncryptionContext:"+name] = []string{value}
	}
	if len(q.EncryptionContext) > 0 {
		m["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(q.EncryptionContext))
	}
	return m
}

func (s *service) generateDataKey(c *awsjson.Call) (any, error) {
	var q cryptRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.usable(c, q.KeyID, "kms:GenerateDataKey", useEncrypt, q.conditions())
	if err != nil {
		return nil, err
	}
	size := map[string]int{"AES_256": 32, "AES_128": 16, "": q.NumberOfBytes}[q.KeySpec]
	if size < 1 || size > 1024 || q.KeySpec != "" && q.NumberOfBytes != 0 {
		return nil, refused("ValidationException", "Please specify either number of bytes or key spec.")
	}
	plain := random(size)
	wrapped, err := k.wrap(plain, q.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return map[string]any{"KeyId": k.arn(), "Plaintext": plain, "CiphertextBlob": wrapped}, nil
}

func (s *service) encrypt(c *awsjson.Call) (any, error) {
	var q cryptRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	k, err := s.usable(c, q.KeyID, "kms:Encrypt", useEncrypt, q.conditions())
	if err != nil {
		return nil, err
	}
	if len(q.Plaintext) < 1 || len(q.Plaintext) > maxMessage {
		return nil, refused("ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and 4096")
	}
	wrapped, err := k.wrap(q.Plaintext, q.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return map[string]any{"KeyId": k.arn(), "CiphertextBlob": wrapped, "EncryptionAlgorithm": Symmetric}, nil
}

func (s *service) decrypt(c *awsjson.Call) (any, error) {
	var q cryptRequest
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	id, rest, ok := unpack(q.CiphertextBlob)
	if !ok {
		return nil, invalidCiphertext()
	}
	if q.KeyID != "" && !strings.HasPrefix(q.KeyID, "alias/") && strings.TrimPrefix(q.KeyID, arnPrefix) != id {
		named, err := s.usable(c, q.KeyID, "kms:Decrypt", useEncrypt, q.conditions())
		if err != nil {
			return nil, err
		}
		return nil, refused("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation: %s", named.arn())
	}
	k, err := s.usable(c, id, "kms:Decrypt", useEncrypt, q.conditions())
	if err != nil {
		return nil, err
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], contextBytes(q.EncryptionContext))
	if err != nil {
		return nil, invalidCiphertext()
	}
	return map[string]any{"KeyId": k.arn(), "Plaintext": plain, "EncryptionAlgorithm": Symmetric}, nil
}

func invalidCiphertext() error { return refused("InvalidCiphertextException", "") }

func (k *key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k *key) wrap(plain []byte, context map[string]string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	wrapped := append([]byte{wrapVersion, byte(len(k.id))}, k.id...)
	nonce := random(aead.NonceSize())
	wrapped = append(wrapped, nonce...)
	return aead.Seal(wrapped, nonce, plain, contextBytes(context)), nil
}

// unpack gives the id of the key that wrapped a text, and what follows it.
func unpack(wrapped []byte) (id string, rest []byte, ok bool) {
	const nonceAndTag = 12 + 16
	if len(wrapped) < 2 || wrapped[0] != wrapVersion || len(wrapped) < 2+int(wrapped[1])+nonceAndTag {
		return "", nil, false
	}
	n := 2 + int(wrapped[1])
	return string(wrapped[2:n]), wrapped[n:], true
}

// contextBytes is the same for equal contexts; none and an empty one are equal.
func contextBytes(context map[string]string) []byte {
	if len(context) == 0 {
		return nil
	}
	text, err := json.Marshal(context) // in the order of its names
	if err != nil {
		panic(err) // a map of strings
	}
	return text
}
