*** Settings ***
Documentation     Presence, receipts and groups.

Library           WaybillLibrary.Presence
Library           WaybillLibrary.Receipts
Library           WaybillLibrary.Groups
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Presence is seen to change
    Connect People    alice
    Come And Go    bob    watcher=alice    times=3
    Come And Go    bob    watcher=alice    times=3    how=CUT
    Come And Go    bob    watcher=alice    times=2    devices=phone and tablet
    Check History

A talk has typing, receipts and read markers
    Connect People    alice and bob
    Converse    alice    bob    messages=10
    Receipts Should Converge    alice    bob
    Check History

Absences meet their share of the messages
    Connect People    alice and bob
    Send During Absences    alice    bob    absences=3    messages=10
    Send During Absences    bob    alice    absences=2    messages=9    how=CUT
    Check History

Read markers jump and the server keeps the highest
    Connect People    alice and bob    devices=phone and tablet
    Send Messages    alice    bob    count=20
    Wait Until Acknowledged
    Wait For Deliveries    bob
    Set Read Markers    alice    bob    count=30
    Receipts Should Converge    alice    bob
    Check History

A group changes its members
    Connect Crowd    6
    Create Group    crew
    Connect People    erin
    Send To Group    senders=3    count=30
    Leave Group
    Remove Member
    Send To Group    senders=3    count=30
    Add Member    erin
    Send To Group    senders=3    count=30
    Check History

A group that is not there is asked for
    Connect People    alice
    Run Keyword And Expect Error    There is no group in this scenario; use `Create Group` first.
    ...    Leave Group

Group messages that are not acknowledged in time are named
    Connect Crowd    3
    Create Group    crew
    Run Keyword And Expect Error    DeadlinePassed: *within 0 s*
    ...    Send To Group    senders=2    count=200    deadline=0 seconds
