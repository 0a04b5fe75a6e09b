*** Settings ***
Documentation     *TOK-2 Stolen tokens are refused.* A token or login frame used from another device or connection than its
...               own is refused; a one-time token works once, also on another node and after a restart.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/bystanders.resource
Resource          ../../keywords/servers.resource
Resource          ../../keywords/administration.resource
Resource          ../../keywords/replays.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         tok-2    p0    security


*** Test Cases ***
A stolen token gets nobody in but the device that it was issued for
    Given alice is online
    And bob logs in while somebody listens, and hears from alice
    And carol and dave are bystanders
    When mallory shows the token of bob from elsewhere
    And mallory shows the token of bob with proofs that are none
    Then no attempt had any effect
    And every attempt met the same refusal
    And alice and bob never lost the connection
    And the bystanders noticed nothing
    And every message is accounted for

A login that was overheard is of no use on another connection
    Given alice is online
    And bob logs in while somebody listens, and hears from alice
    And bob logs in with the same token once more while somebody listens
    And carol and dave are bystanders
    When mallory says again what bob said to log in
    And bob goes offline
    And mallory says again what bob said to log in, now that this session is over
    Then the bystanders noticed nothing
    When the server is killed and started again
    And mallory says again what bob said to log in, now that the server was restarted
    Then no attempt had any effect
    And every attempt met the same refusal
    And every message is accounted for

A token for one login is good for one login
    Given alice is online
    And bob logs in with a token that is good for one login, and hears from alice
    And carol and dave are bystanders
    When mallory shows the used token of bob
    Then bob never lost the connection
    When bob goes offline
    And mallory shows the used token of bob, now that its session is over
    Then the bystanders noticed nothing
    When the server is killed and started again
    And mallory shows the used token of bob, now that the server was restarted
    Then no attempt had any effect
    And every attempt met the same refusal
    And every message is accounted for

Of two logins at once with one token for one login one gets in
    Given alice and bob are online
    And carol and dave are bystanders
    Then of two logins at once with one token of rita, one gets in each of 10 times
    And no attempt had any effect
    And every attempt met the same refusal
    And the bystanders noticed nothing
    And every message is accounted for

A token that was revoked gets nobody in
    Given alice is online
    And bob logs in while somebody listens, and hears from alice
    And carol and dave are bystanders
    When the phone of bob is revoked
    And mallory shows the revoked token of bob, and says again what was said with it
    And bob logs in with a new token while somebody listens
    And the token of bob is revoked
    And mallory shows the revoked token of bob, and says again what was said with it
    And bob logs in with a new token while somebody listens
    And everything of bob is revoked
    And mallory shows the revoked token of bob, and says again what was said with it
    Then no attempt had any effect
    And every attempt met the same refusal
    And bob logs in with a new token while somebody listens
    And the bystanders noticed nothing
    And every message is accounted for
