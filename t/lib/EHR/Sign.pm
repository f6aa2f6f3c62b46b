# SPDX-License-Identifier: BSD-2-Clause
#
# XMLDSig signatures by xmlsec1, another program than the gateway's library:
# the document is given, the signature's place and references are chosen.

package EHR::Sign;

use strict;
use warnings;

use Exporter qw(import);

use EHR::Util qw(run slurp spew);

our @EXPORT_OK = qw(sign_reference sign_xml $SIGN_DSIG $SIGN_SHA256);

our $SIGN_DSIG = "http://www.w3.org/2000/09/xmldsig#";
our $SIGN_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";

my $more = "http://www.w3.org/2001/04/xmldsig-more#";
my $c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";


sub sign_reference {
    my ($uri, $transform, $digest) = @_;
    my $transforms = $transform
        ? "<Transforms><Transform Algorithm=\"$transform\"/></Transforms>"
        : "";

    return "<Reference URI=\"$uri\">$transforms<DigestMethod Algorithm=\""
        . ($digest || $SIGN_SHA256) . "\"/><DigestValue/></Reference>";
}


# The bytes signed with the key beside that certificate (PEM): a Signature as
# the last child of the root.  Of $o{in} inside that element, which is made;
# $o{references}, $o{object}, $o{is_rsa}, $o{sha1}; $o{dir} for files.

sub sign_xml {
    my ($bytes, $signer, %o) = @_;

    my $digest = $o{sha1} ? $SIGN_DSIG . "sha1" : $SIGN_SHA256;
    my $method = $o{sha1} ? $SIGN_DSIG . "rsa-sha1"
        : $more . ($o{is_rsa} ? "rsa-sha256" : "ecdsa-sha256");
    my $references = $o{references}
        || sign_reference("", $SIGN_DSIG . "enveloped-signature", $digest);
    my $template = "<Signature xmlns=\"$SIGN_DSIG\"><SignedInfo>"
        . "<CanonicalizationMethod Algorithm=\"$c14n\"/><SignatureMethod "
        . "Algorithm=\"$method\"/>$references</SignedInfo>"
        . "<SignatureValue/><KeyInfo><X509Data><X509Certificate/></X509Data>"
        . "</KeyInfo>" . ($o{object} // "") . "</Signature>";
    my $key = $signer =~ s/\.pem$/.key/r;
    my $file = "$o{dir}/to-sign.xml";

    $template = "<$o{in}>$template</$o{in}>" if $o{in};
    $bytes =~ s{(</\w+>)\s*\z}{$template$1};

    spew($file, $bytes);
    run("xmlsec1", "--sign", "--privkey-pem", "$key,$signer",
        (map { ("--id-attr:Id", $_) } qw(THONGTINHOSO Object root)),
        "--output", "$file.signed", $file);

    return slurp("$file.signed");
}

1;
