*** Settings ***
Documentation     *CLK-1 Clock skew.* Clocks that are off by seconds or days, or that step back and forth, change neither
...               order nor deduplication nor delivery; a token is good, and a message lives, for as long as was said.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/clock.resource
Resource          ../../keywords/tokens.resource

Suite Setup       A fresh target with a faulty clock
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         clk-1    p1    faults


*** Test Cases ***
Order, retries and delivery do not depend on what clocks say
    Given alice and bob are online
    When alice sends 20 messages to bob while the server's clock is 30 seconds ahead
    And bob sends 20 messages to alice while the server's clock is 30 seconds behind
    And alice sends 20 messages to bob while the server's clock is 2 days ahead
    And bob sends 20 messages to alice while the server's clock is 2 days behind
    And alice sends 20 messages to bob while the server's clock runs 1000 times as fast
    And bob sends 20 messages to alice while the server's clock runs 0.01 times as fast
    And alice sends 20 messages to bob while the server's clock steps back and forth by 1 hour
    And bob sends 20 messages to alice after the server was started with its clock 1 day ahead
    And alice sends 20 messages to bob from a device whose clock is 1 day behind
    And alice sends 20 messages that live 2 seconds to bob, who is away, while the server's clock steps 1 day ahead
    And mallory tries every operation on bob after the token of the session expired, the clock having been put back 1 hour
    Then no attempt had any effect
    And every message is accounted for
