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
	sums, err := wanted(h)
	if err != nil {
		return nil, err
	}
	digest := md5.New()
	r := &received{segment: segment{path: s.newFile()}, checksums: map[string]string{}}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	writers := []io.Writer{f, digest}
	for _, sum := range sums {
		writers = append(writers, sum)
	}
	r.size, err = io.Copy(io.MultiWriter(writers...), io.LimitReader(body, max+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && r.size > max {
		err = errTooLarge
	}
	if err == nil {
		r.md5 = digest.Sum(nil)
		err = r.compare(sums, h, trailer)
	}
	if err != nil {
		erase([]segment{r.segment})
		return nil, err
	}
	return r, nil
}

// wanted gives a running sum for each checksum that a request states or announces.
func wanted(h http.Header) (map[string]hash.Hash, error) {
	sums := map[string]hash.Hash{}
	for _, a := range algorithms() {
		if h.Get(checksumHeader+a) != "" || strings.EqualFold(h.Get("X-Amz-Trailer"), checksumHeader+a) ||
			strings.EqualFold(h.Get("X-Amz-Sdk-Checksum-Algorithm"), a) {
			sums[a] = newSum(a)
		}
	}
	if len(sums) > 1 {
		return nil, &problem{http.StatusBadRequest, "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."}
	}
	return sums, nil
}

func (r *received) compare(sums map[string]hash.Hash, h, trailer http.Header) error {
	if want := h.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(r.md5) {
		return &problem{http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received."}
	}
	for a, sum := range sums {
		got := base64.StdEncoding.EncodeToString(sum.Sum(nil))
		want := h.Get(checksumHeader + a)
		if want == "" {
			want = trailer.Get(checksumHeader + a)
		}
		if want != "" && want != got {
			return &problem{http.StatusBadRequest, "BadDigest", "The " + strings.ToUpper(a) + " you specified did not match the calculated checksum."}
		}
		r.checksums[a] = got
	}
	return nil
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
