# SPDX-License-Identifier: BSD-2-Clause

package EHR::Token;

# Access tokens by hand, right ones and wrong ones, and JWS in general.
#
#   my $token = EHR::Token->mint(
#       key => "$pki/token-issuer.pem",       # EC P-256 or RSA, private
#       cert => "$pki/99001.pem",             # for cnf
#       facility => "99001",                  # sub and client_id
#       claims => { exp => time() - 60 },     # over the right ones; undef
#                                             # takes one away
#       header => { typ => "JWT" },           # the same for the header
#       issuer => "https://localhost",
#   );
#
#   EHR::Token::jws($header_json, $payload, $key)   any texts, signed
#   EHR::Token::sign($bytes, $key, $alg)    raw signature (ES256: r and s)
#   EHR::Token::kid($key)                   RFC 7638 thumbprint
#   EHR::Token::claims($jws), header($jws)  decoded, not verified
#   EHR::Token::verify($jws, $jwk)          1 when an EC key of a JWKS signed
#   b64($bytes) unb64($text)                base64url without padding

use strict;
use warnings;

use Digest::SHA qw(sha256);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);

use EHR::Util qw(slurp spew run);

use constant TTL_SEC => 600;
use constant P256_BYTES => 32;

# SubjectPublicKeyInfo of P-256 up to the point itself (RFC 5480).
use constant P256_SPKI => pack("H*",
    "3059301306072a8648ce3d020106082a8648ce3d030107034200");

my $json = JSON::PP->new->canonical->utf8;
my $jti = 0;


sub b64 {
    my ($bytes) = @_;

    my $text = encode_base64($bytes, "");
    $text =~ tr{+/=}{-_}d;

    return $text;
}


sub unb64 {
    my ($text) = @_;

    (my $plain = $text) =~ tr{-_}{+/};

    return decode_base64($plain . "=" x (-length($plain) % 4));
}


sub is_rsa {
    my ($key) = @_;

    return run("openssl", "pkey", "-in", $key, "-noout", "-text")
           =~ /modulus/;
}


# The public key as a JWK's required members (RFC 7638 3.2).

sub jwk {
    my ($key) = @_;

    if (is_rsa($key)) {
        my $text = run("openssl", "rsa", "-in", $key, "-noout", "-modulus");
        my ($hex) = $text =~ /Modulus=([0-9A-F]+)/;

        return { kty => "RSA", n => b64(pack("H*", $hex)), e => "AQAB" };
    }

    my $spki = run("openssl", "pkey", "-in", $key, "-pubout", "-outform",
                   "DER");

    return {
        kty => "EC",
        crv => "P-256",
        x   => b64(substr($spki, -2 * P256_BYTES, P256_BYTES)),
        y   => b64(substr($spki, -P256_BYTES)),
    };
}


my %kids;

sub kid {
    my ($key) = @_;

    return $kids{$key} ||= b64(sha256($json->encode(jwk($key))));
}


# ECDSA-Sig-Value (DER) to r and s of 32 bytes each, and back.

sub _der_to_raw {
    my ($der) = @_;

    my ($r, $s) = unpack("x2 x C/a x C/a", $der);

    return join("", map { substr(("\0" x P256_BYTES) . $_, -P256_BYTES) }
                ($r, $s));
}


sub _raw_to_der {
    my ($raw) = @_;

    my $body = join("", map {
        (my $n = $_) =~ s/^\0+//;
        $n = "\0$n" if $n eq "" || ord($n) & 0x80;
        pack("C C/a", 2, $n);
    } unpack("(a32)2", $raw));

    return pack("C C/a", 0x30, $body);
}


sub sign {
    my ($bytes, $key, $alg) = @_;

    my $file = File::Temp->new;
    print $file $bytes;
    $file->flush;

    my $signature = run("openssl", "dgst", "-sha256", "-sign", $key,
                        "$file");

    return $alg eq "ES256" ? _der_to_raw($signature) : $signature;
}


sub jws {
    my ($header, $payload, $key) = @_;

    my $alg = is_rsa($key) ? "RS256" : "ES256";
    my $input = b64($header) . "." . b64($payload);

    return "$input." . b64(sign($input, $key, $alg));
}


sub _over {
    my ($right, $wrong) = @_;

    my %all = (%$right, %{$wrong || {}});

    return { map { $_ => $all{$_} } grep { defined $all{$_} } keys %all };
}


sub thumbprint {
    my ($cert) = @_;

    my ($base64) = slurp($cert) =~ /-----BEGIN CERTIFICATE-----(.+?)-----END/s;

    return b64(sha256(decode_base64($base64)));
}


sub mint {
    my ($class, %o) = @_;

    my $issuer = $o{issuer} || "https://localhost";
    my $now = time();

    my $header = _over({
        typ => "at+jwt",
        alg => is_rsa($o{key}) ? "RS256" : "ES256",
        kid => kid($o{key}),
    }, $o{header});

    my $claims = _over({
        iss       => $issuer,
        aud       => $issuer,
        sub       => $o{facility},
        client_id => $o{facility},
        jti       => "test-$$-" . ++$jti,
        iat       => $now,
        nbf       => $now,
        exp       => $now + TTL_SEC,
        scope     => "documents:submit documents:read lookups",
        cnf       => { "x5t#S256" => thumbprint($o{cert}) },
    }, $o{claims});

    return jws($json->encode($header), $json->encode($claims), $o{key});
}


sub header {
    my ($jws) = @_;

    return $json->decode(unb64((split(/\./, $jws))[0]));
}


sub claims {
    my ($jws) = @_;

    return $json->decode(unb64((split(/\./, $jws))[1]));
}


sub verify {
    my ($jws, $jwk) = @_;

    my ($header, $payload, $signature) = split(/\./, $jws);
    my $dir = File::Temp->newdir;

    spew("$dir/key", P256_SPKI . "\x04" . unb64($jwk->{x})
                     . unb64($jwk->{y}));
    spew("$dir/input", "$header.$payload");
    spew("$dir/signature", _raw_to_der(unb64($signature)));

    my $said = eval {
        run("openssl", "dgst", "-sha256", "-keyform", "DER", "-verify",
            "$dir/key", "-signature", "$dir/signature", "$dir/input")
    } || "";

    return $said =~ /Verified OK/ ? 1 : 0;
}


1;
