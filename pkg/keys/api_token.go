package keys

import (
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"
)

// APITokenPrefix begins every API token, so that people and scanners of sources recognise one.
const APITokenPrefix = "pt_live_"

const (
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomLength   = 30 // 178 bits
	checksumLength = 6
)

// NewAPIToken makes an API token: the prefix, 30 random characters of 0-9, A-Z and a-z, and the CRC-32 (IEEE) of those 30
// in 6 digits of base 62, most significant first, with leading zeros. The checksum tells a token from a text that looks
// like one without asking anybody; it proves nothing.
func NewAPIToken() string {
	var random strings.Builder
	for range randomLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(base62))))
		if err != nil {
			panic(err) // crypto/rand.Reader never fails
		}
		random.WriteByte(base62[n.Int64()])
	}
	return APITokenPrefix + random.String() + checksum(random.String())
}

// IsAPIToken says whether a text has the form of an API token and the right checksum.
func IsAPIToken(text string) bool {
	rest, ok := strings.CutPrefix(text, APITokenPrefix)
	if !ok || len(rest) != randomLength+checksumLength || strings.Trim(rest, base62) != "" {
		return false
	}
	return checksum(rest[:randomLength]) == rest[randomLength:]
}

func checksum(random string) string {
	sum := crc32.ChecksumIEEE([]byte(random))
	var digits [checksumLength]byte
	for i := range digits {
		digits[checksumLength-1-i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return string(digits[:])
}
