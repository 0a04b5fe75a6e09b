*** Settings ***
Documentation     Input that no client should send is said, and what becomes of it is noticed.

Library           WaybillLibrary.HostileInput
Library           WaybillLibrary.Bystanders
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      90 seconds


*** Test Cases ***
One thing is said by hand
    ${legal} =    Send Hostile Input    {"type": "presence", "ref": 1, "user": "bob"}
    Should Be Equal    ${legal}    taken
    ${faulty} =    Send Hostile Input    {"type": "presence", "ref": 1, "user": 7}
    Should Be Equal    ${faulty}    refused
    ${nothing} =    Send Hostile Input    {}
    Should Be Equal    ${nothing}    ended
    ${early} =    Send Hostile Input    {"type": "bye"}    logged_in=${False}
    Should Be Equal    ${early}    ended
    Hostile Input Should Be Harmless

Malformed frames disturb nobody
    Connect People    alice and bob
    Try Hostile Input    AFTER_LOGIN    witness=alice    reader=bob
    Hostile Input Should Be Harmless
    Check History

Messages about other languages are messages
    Connect People    alice and bob
    Send Hostile Text    alice    bob
    Check History

Nothing said is nothing shown
    Run Keyword And Expect Error    Nothing was said, so nothing is shown; use `Try Hostile Input` first.
    ...    Hostile Input Should Be Harmless

Texts that are not taken are noticed
    Connect People    alice and bob
    Disconnect People    alice    how=CUT
    Run Keyword And Expect Error    Expected every text to be taken as a message;*
    ...    Send Hostile Text    alice    bob

A server that is gone is noticed
    Connect People    alice
    ${became} =    Send Hostile Input    {}
    Should Be Equal    ${became}    ended
    Kill Server
    Run Keyword And Expect Error    Expected 1 hostile inputs to do nothing; found:*the process of node ended*
    ...    Hostile Input Should Be Harmless
    [Teardown]    Run Keywords    Start Server    AND    End Scenario
