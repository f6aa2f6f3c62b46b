#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds a claim envelope, or a check-in, from the section files beside it: as
# many different documents as a test or a bench wants.  All people are
# invented.
#
#     make-claim.pl [option]... > claim.xml
#
#     --facility CODE     MA_CSKCB, default 99001
#     --lk TEXT           MA_LK, default "<facility>-20260105-0001"
#     --sections LIST     default 1,2,3,4,5,7,8
#     --drugs N           N more rows in XML2, with the money to match
#     --set S[.ROW].FIELD=VALUE   another value, as XML text; S: XML2
#     --drop S[.ROW].FIELD        no such element
#     --checkin           the check-in instead of a claim

use strict;
use warnings;

use FindBin;
use Getopt::Long;
use MIME::Base64 qw(encode_base64);

my %option = (facility => '99001', sections => '1,2,3,4,5,7,8', drugs => 0);

GetOptions(\%option, 'facility=s', 'lk=s', 'sections=s', 'drugs=i', 'set=s@',
    'drop=s@', 'checkin')
    && !@ARGV
    or die "usage: $0 [--facility CODE] [--lk TEXT] [--sections LIST] "
    . "[--drugs N] [--set S[.ROW].FIELD=VALUE] [--drop S[.ROW].FIELD] "
    . "[--checkin]\n";

# Without rows there is no money: the totals of XML1 follow, unless set.

if ($option{sections} !~ /\b[23]\b/) {
    unshift @{$option{set}}, map { "XML1.T_$_=0" } qw(THUOC VTYT TONGCHI_BV
        TONGCHI_BH BNTT BNCCT BHTT NGUONKHAC BHTT_GDV);
}

my $lk = $option{lk} // "$option{facility}-20260105-0001";

print $option{checkin} ? section('CHECKIN', 'sample-checkin.xml') : claim();


sub claim {
    my $files = '';

    for my $n (split /,/, $option{sections}) {
        my $text = section("XML$n", "sample-xml$n.xml");

        $files .= "        <FILEHOSO>\n          <LOAIHOSO>XML$n</LOAIHOSO>\n"
            . '          <NOIDUNGFILE>' . encode_base64($text, '')
            . "</NOIDUNGFILE>\n        </FILEHOSO>\n";
    }

    my $namespaces = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        . ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"';

    return <<"END";
<?xml version="1.0" encoding="utf-8"?>
<GIAMDINHHS $namespaces>
  <THONGTINDONVI>
    <MACSKCB>$option{facility}</MACSKCB>
  </THONGTINDONVI>
  <THONGTINHOSO>
    <NGAYLAP>20260107</NGAYLAP>
    <SOLUONGHOSO>1</SOLUONGHOSO>
    <DANHSACHHOSO>
      <HOSO>
$files      </HOSO>
    </DANHSACHHOSO>
  </THONGTINHOSO>
  <CHUKYDONVI/>
</GIAMDINHHS>
END
}


sub section {
    my ($name, $file) = @_;

    open my $in, '<:raw', "$FindBin::Bin/$file" or die "$file: $!\n";
    my $text = do { local $/; <$in> };
    close $in or die "$file: $!\n";

    $text =~ s/99999-20260105-0001/$lk/g;
    $text =~ s/>99999</>$option{facility}</g;
    $text = more_drugs($text) if $name eq 'XML2' && $option{drugs};
    $text = more_money($text) if $name eq 'XML1' && $option{drugs};

    change(\$text, $name, $_, 1) for @{ $option{set}  || [] };
    change(\$text, $name, $_, 0) for @{ $option{drop} || [] };

    return $text;
}


# Copies of the first row, numbered on.

sub more_drugs {
    my ($text) = @_;

    my ($row) = $text =~ m{(    <CHI_TIET_THUOC>.*?</CHI_TIET_THUOC>\n)}s;
    my $stt   = () = $text =~ m{<STT>}g;
    my $rows  = '';

    for (1 .. $option{drugs}) {
        my $copy = $row;

        $stt++;
        $copy =~ s{<STT>\d+<}{<STT>$stt<};
        $rows .= $copy;
    }

    $text =~ s{(  </DSACH_CHI_TIET_THUOC>)}{$rows$1};

    return $text;
}


# The totals of XML1 grow by what the copied rows cost.

sub more_money {
    my ($text) = @_;

    my %row = (
        T_THUOC      => 4200,
        T_TONGCHI_BV => 4200,
        T_TONGCHI_BH => 4200,
        T_BNCCT      => 840,
        T_BHTT       => 3360,
        T_BHTT_GDV   => 3360,
    );

    for my $field (sort keys %row) {
        $text =~ s{<$field>([\d.]+)<}
                  {sprintf '<%s>%.2f<', $field,
                       $1 + $row{$field} * $option{drugs}}e;
    }

    return $text;
}


# The field of the row, "XML2.3.MA_THUOC" or "XML1.HO_TEN".

sub change {
    my ($text, $section, $what, $is_set) = @_;

    my ($name, $row, $field, $value)
        = $what =~ /^(\w+)\.(?:(\d+)\.)?([A-Z]\w*)(?:=(.*))?$/s
        or die "$what: not SECTION[.ROW].FIELD\n";

    return if $name ne $section;

    my $seen = 0;
    my $new = $is_set ? "<$field>" . ($value // '') . "</$field>" : undef;

    $$text =~ s{([ \t]*)<$field(?:/>|>[^<]*</$field>)(\n?)}
               {++$seen != ($row || 1) ? $&
                : defined $new ? "$1$new$2" : ''}ge;

    $seen >= ($row || 1) or die "$what: no such element\n";
}
