*** Settings ***
Documentation     Messages live for some time, their senders are told of the end, and a server that errs is noticed.

Library           WaybillLibrary.Expiry
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
The sender is told of what nobody read in time
    Bob Is Away
    Send Expiring Messages    alice    bob    count=10    ttl=1 second
    Wait Until Acknowledged
    Wait Until Expired    alice
    Reconnect People    bob
    Check History
    Figure Should Be    expired    10
    Figure Should Be    delivered_late    0

What was given in time is still told to be over
    Connect People    alice and bob
    Send Expiring Messages    alice    bob    count=10    ttl=1 second
    Wait For Deliveries    bob    count=10
    Wait Until Expired    alice
    Check History

The clock of a device makes nothing shorter
    Bob Is Away
    FOR    ${off}    IN    AHEAD    BEHIND
        Send Expiring Messages From Wrong Device    alice    bob    count=5    ttl=1 second    by=1 day    off=${off}
    END
    Wait Until Expired    alice
    Check History
    Figure Should Be    expired    10

A sender that was away asks
    Bob Is Away
    Send Expiring Messages    alice    bob    count=10    ttl=1 second
    Wait Until Acknowledged
    Disconnect People    alice    how=CUT
    Reconnect People    alice
    Learn What Expired    alice
    Check History
    Figure Should Be    expired    10

What lives on has not expired
    Bob Is Away
    Send Expiring Messages    alice    bob    count=3    ttl=1 hour
    Wait Until Acknowledged
    Check History
    Figure Should Be    expired    0

A server that keeps messages for ever is noticed
    [Setup]    Stop Target
    Start Defective Target    ttl-ignored
    Begin
    Bob Is Away
    Send Expiring Messages    alice    bob    count=3    ttl=500ms
    Wait Until Acknowledged
    Run Keyword And Expect Error    DeadlinePassed: *    Wait Until Expired    alice    deadline=500ms
    Run Keyword And Expect Error    DeadlinePassed: *    Learn What Expired    alice    deadline=500ms


*** Keywords ***
Bob Is Away
    [Documentation]    Alice is online, and bob was.
    Connect People    alice and bob
    Disconnect People    bob
