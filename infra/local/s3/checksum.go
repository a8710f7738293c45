package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"os"
	"strings"
)

// crc64NVME is the polynomial of CRC64NVME, reflected.
const crc64NVME = 0x9a6c9329ac4bc9b5

const checksumHeader = "X-Amz-Checksum-"

// algorithms gives the checksums that S3 knows, by their names in headers.
func algorithms() []string { return []string{"crc32", "crc32c", "crc64nvme", "sha1", "sha256"} }

func newSum(algorithm string) hash.Hash {
	switch algorithm {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(crc64NVME))
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

// received is a body that lies in a file.
type received struct {
	segment
	md5       []byte
	checksums map[string]string
}

func (r *received) etag() string { return `"` + hex.EncodeToString(r.md5) + `"` }

// receive writes a body to a file and holds it to the checksums that the request states in headers or trailers. A body
// that is refused leaves no file.
func (s *shelf) receive(body io.Reader, h, trailer http.Header, max int64) (*received, error) {
	algorithm, err := wanted(h)
	if err != nil {
		return nil, err
	}
	if algorithm == "" {
		algorithm = "crc64nvme" // S3 adds it to what comes without
	}
	sum, digest := newSum(algorithm), md5.New()
	r := &received{segment: segment{path: s.newFile()}, checksums: map[string]string{}}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r.size, err = io.Copy(io.MultiWriter(f, digest, sum), io.LimitReader(body, max+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && r.size > max {
		err = errTooLarge
	}
	if err == nil {
		r.md5 = digest.Sum(nil)
		err = r.compare(algorithm, sum, h, trailer)
	}
	if err != nil {
		erase([]segment{r.segment})
		return nil, err
	}
	return r, nil
}

// wanted gives the algorithm of the checksum that a request states, or announces for the trailer; empty without.
func wanted(h http.Header) (string, error) {
	if m := h.Get("Content-Md5"); m != "" && len(decodeBase64(m)) != md5.Size {
		return "", errDigest
	}
	found := ""
	for _, a := range algorithms() {
		stated := h.Get(checksumHeader + a)
		switch {
		case stated == "" && !strings.EqualFold(h.Get("X-Amz-Trailer"), checksumHeader+a):
			continue
		case found != "":
			return "", &problem{http.StatusBadRequest, "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."}
		case stated != "" && len(decodeBase64(stated)) != newSum(a).Size():
			return "", &problem{http.StatusBadRequest, "InvalidRequest", "Value for x-amz-checksum-" + a + " header is invalid."}
		}
		found = a
	}
	if announced := h.Get("X-Amz-Sdk-Checksum-Algorithm"); announced != "" && !strings.EqualFold(announced, found) {
		return "", &problem{http.StatusBadRequest, "InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."}
	}
	return found, nil
}

func (r *received) compare(algorithm string, sum hash.Hash, h, trailer http.Header) error {
	if want := h.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(r.md5) {
		return &problem{http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received."}
	}
	got := base64.StdEncoding.EncodeToString(sum.Sum(nil))
	want := h.Get(checksumHeader + algorithm)
	if want == "" && h.Get("X-Amz-Trailer") != "" {
		if want = trailer.Get(checksumHeader + algorithm); want == "" {
			return &problem{http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema."}
		}
	}
	if want != "" && want != got {
		return &problem{http.StatusBadRequest, "BadDigest", "The " + strings.ToUpper(algorithm) + " you specified did not match the calculated checksum."}
	}
	r.checksums[algorithm] = got
	return nil
}

// checksumElements are a checksum as results tell it.
type checksumElements struct {
	CRC32     string `xml:"ChecksumCRC32,omitempty"`
	CRC32C    string `xml:"ChecksumCRC32C,omitempty"`
	CRC64NVME string `xml:"ChecksumCRC64NVME,omitempty"`
	SHA1      string `xml:"ChecksumSHA1,omitempty"`
	SHA256    string `xml:"ChecksumSHA256,omitempty"`
}

func elementsOf(sums map[string]string) checksumElements {
	return checksumElements{CRC32: sums["crc32"], CRC32C: sums["crc32c"], CRC64NVME: sums["crc64nvme"], SHA1: sums["sha1"], SHA256: sums["sha256"]}
}

// sumOf is the checksum of the whole of some segments.
func sumOf(algorithm string, segments []segment) (string, error) {
	sum := newSum(algorithm)
	for _, g := range segments {
		if err := copyFile(sum, g.path, 0, g.size); err != nil {
			return "", err
		}
	}
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}
