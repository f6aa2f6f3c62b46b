# SPDX-License-Identifier: BSD-2-Clause

package EHR::Delivery;

# Short ways to look at deliveries from both ends: the sender's API and the
# partner's simulator.
#
#   my $delivery = delivery($world, $client, $id);   # the only one, as JSON
#   my @attempts = attempts($world, $client, $id);
#   my @decisions = decisions($world, $client, $id);  # "state reason", ...
#   my $id = accepted_id($res)            dies unless it was taken
#   my @ids = submit_all($world, $clients, \@docs, @headers);
#                                 every document on a connection of its own,
#                                 all written before an answer is read; the
#                                 responses, in order
#   my @clients = clients($world, $facility, $n);    # connected, one token;
#                                 close them before finish, for a worker
#                                 waits for connections nobody used yet
#   my $delivery = wait_state($world, $client, $id, qr/held/, $sec);
#                                 polls; undef when it never was so
#   my $n = seen($sim)            requests with a document the partner got
#   my $n = logins($sim)          log-ins the partner got, right or wrong

use strict;
use warnings;

use Exporter qw(import);

use EHR::Util qw(insist wait_for);

our @EXPORT_OK = qw(delivery attempts decisions accepted_id submit_all
    clients wait_state seen logins);


sub _document {
    my ($world, $client, $id) = @_;

    my $res = insist(sub { $world->get($client, "/v1/documents/$id") });

    die "no document $id" unless $res && $res->status == 200;

    return $res->json;
}


sub delivery {
    return _document(@_)->{deliveries}[0];
}


sub attempts {
    return @{_document(@_)->{attempts}};
}


sub decisions {
    return map { "$_->{state} $_->{reason}" } @{_document(@_)->{decisions}};
}


sub accepted_id {
    my ($res) = @_;

    die "no answer" unless $res;
    die "not accepted: " . $res->body unless $res->status =~ /^20[02]$/;

    return $res->json->{id};
}


sub clients {
    my ($world, $facility, $n) = @_;

    my @clients = map { $world->client($facility)->connect } 1 .. $n;
    my $token = $world->token($clients[0]);

    $_->{token} = $token for @clients;

    return @clients;
}


sub submit_all {
    my ($world, $clients, $docs, @headers) = @_;

    for my $i (0 .. $#$docs) {
        my $client = $clients->[$i];
        my ($head, $body) = $client->request_bytes("POST", "/v1/documents",
            headers => [ "Authorization" => "Bearer $client->{token}",
                         "Content-Type" => $docs->[$i]->type, @headers ],
            body => $docs->[$i]->bytes);

        $client->connect unless $client->is_open;
        $client->write($head . $body);
    }

    return map { $clients->[$_]->read_response(timeout => 30) } 0 .. $#$docs;
}


sub wait_state {
    my ($world, $client, $id, $pattern, $sec) = @_;

    return wait_for($sec || 10, sub {
        my $delivery = delivery($world, $client, $id);
        return $delivery->{state} =~ /^(?:$pattern)$/ ? $delivery : undef;
    });
}


sub _is_login {
    return $_[0] =~ /^login-/;
}


sub seen {
    my ($sim) = @_;

    my $outcomes = $sim->stats->{outcomes};
    my $n = 0;

    $n += $outcomes->{$_} for grep { !_is_login($_) } keys %$outcomes;

    return $n;
}


sub logins {
    my ($sim) = @_;

    my $outcomes = $sim->stats->{outcomes};
    my $n = 0;

    $n += $outcomes->{$_} for grep { _is_login($_) } keys %$outcomes;

    return $n;
}


1;
