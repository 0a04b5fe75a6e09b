*** Settings ***
Documentation    What a messaging server must prove before it may be called production-ready.
...
...              Each file holds the scenarios of one guarantee of the catalogue and owns a target of its own, so that
...              files run side by side and in any order. Each scenario records one history of everything its devices
...              sent, were told and were given; its last step checks that history for every anomaly in the list.
