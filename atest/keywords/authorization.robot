*** Settings ***
Documentation     The role table is tried, and a server that does not hold to it is noticed.

Library           WaybillLibrary.Authorization
Library           WaybillLibrary.Presence
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      180 seconds


*** Test Cases ***
Conversations are their members'
    Try Conversation Operations    alice    bob    stranger=mallory
    Role Table Should Hold
    Check History

The sender is who logged in
    Try Under Another Name    mallory    victim=bob    other=alice
    Role Table Should Hold
    Check History

A block holds
    Try In Spite Of Blocks And Rules    mallory    victim=bob    friend=alice
    Role Table Should Hold
    Check History

Everybody administers what is theirs
    Try Administration    alice    bob
    Role Table Should Hold
    Check History

A role that nobody gave is none
    Try Administration With False Roles    alice    bob
    Role Table Should Hold
    Check History

Nothing tried shows nothing
    Connect People    alice
    Run Keyword And Expect Error    Nothing was tried, so nothing is shown;*    Role Table Should Hold

Whoever is blocked sees nothing of who comes and goes
    Connect People    alice and mallory
    Come And Go Unseen    bob    blocked=mallory    watcher=alice    times=3
    Check History
